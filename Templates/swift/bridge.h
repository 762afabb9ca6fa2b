/* What Swift sees of C. */
#include "json.h"
#include "kimi_plugin.h"
