import Hummingbird
import ServiceLifecycle
print("x")
