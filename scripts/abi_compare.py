#!/usr/bin/env python3
"""Do the types in one abidw file keep those in an older one?   scripts/abi_compare.py [--same] OLD.xml NEW.xml

Lawful: new members at the end of a table that carries struct_size, new constants in an enum, new types. Everything else
is printed, one line each, and the exit status is 1. With --same nothing new is lawful either.

abidiff's own exit status cannot tell a lawful append from a break, and by default it hides constants that changed.
"""
import sys
import xml.etree.ElementTree as ElementTree


class Interface:
    """Structs, enums, typedefs and functions of one abidw file, with their types spelled out."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self.architecture = root.get("architecture")
        self.by_id = {}
        for node in root.iter():
            # A declaration without a definition comes beside the definition.
            if node.get("id") and not (node.get("is-declaration-only") == "yes" and node.get("id") in self.by_id):
                self.by_id[node.get("id")] = node
        self.structs, self.enums, self.typedefs, self.functions = {}, {}, {}, {}
        for node in root.iter():
            self.collect(node)

    def collect(self, node):
        name = node.get("name")
        if node.tag == "class-decl" and node.get("is-declaration-only") != "yes":
            members = [
                (member.find("var-decl").get("name"), int(member.get("layout-offset-in-bits")),
                 self.spell(member.find("var-decl").get("type-id")))
                for member in node.findall("data-member")
            ]  # fmt: skip
            self.structs[name] = (int(node.get("size-in-bits")), members)
        elif node.tag == "enum-decl":
            self.enums[name] = {one.get("name"): int(one.get("value")) for one in node.findall("enumerator")}
        elif node.tag == "typedef-decl" and name.startswith("kimi_"):
            self.typedefs[name] = self.spell(node.get("type-id"))
        elif node.tag == "function-decl" and name:
            self.functions[name] = self.signature(node)

    def signature(self, node):
        parameters = [self.spell(one.get("type-id")) for one in node.findall("parameter")]
        back = node.find("return")
        return f"{self.spell(back.get('type-id')) if back is not None else 'void'}({', '.join(parameters)})"

    def spell(self, identity):
        """A type in words; named types by their names, sizes of basic ones beside them."""
        node = self.by_id[identity]
        if node.tag == "pointer-type-def":
            return self.spell(node.get("type-id")) + "*"
        if node.tag == "qualified-type-def":
            words = "const " if node.get("const") == "yes" else ""
            words += "volatile " if node.get("volatile") == "yes" else ""
            return words + self.spell(node.get("type-id"))
        if node.tag == "typedef-decl":
            inner = self.by_id[node.get("type-id")]
            named = inner.tag in ("class-decl", "union-decl", "enum-decl")
            return node.get("name") if named else self.spell(node.get("type-id"))
        if node.tag == "function-type":
            return self.signature(node)
        size = node.get("size-in-bits")
        return f"{node.get('name')}" + (f":{size}" if node.tag == "type-decl" and size else "")


def struct_breaks(name, old, new):
    (old_size, old_members), (new_size, new_members) = old, new
    grows = bool(old_members) and old_members[0][0] == "struct_size"
    for index, (member, offset, kind) in enumerate(old_members):
        if index >= len(new_members):
            yield f"{name}.{member}: gone"
        elif new_members[index] != (member, offset, kind):
            there, at, now = new_members[index]
            yield f"{name}.{member}: was {kind} at bit {offset}, there is now {there}, {now} at bit {at}"
    for member, offset, _ in new_members[len(old_members) :]:
        if not grows:
            yield f"{name}.{member}: new, but {name} is frozen"
        elif offset < old_size:
            yield f"{name}.{member}: new, but lies inside the older table"
    if new_size != old_size and not grows:
        yield f"{name}: was {old_size} bits, is {new_size}"


def breaks(old, new):
    if old.architecture != new.architecture:
        yield f"made for {old.architecture}, this machine is {new.architecture}: compare on the same"
        return
    for name, struct in old.structs.items():
        if name not in new.structs:
            yield f"{name}: gone"
        else:
            yield from struct_breaks(name, struct, new.structs[name])
    for name, constants in old.enums.items():
        for constant, value in constants.items():
            now = new.enums.get(name, {}).get(constant)
            if now != value:
                yield f"{constant}: was {value}, is {'gone' if now is None else now}"
    for title, before, after in (("type", old.typedefs, new.typedefs), ("function", old.functions, new.functions)):
        for name, spelled in before.items():
            if after.get(name) != spelled:
                yield f"{title} {name}: was {spelled}, is {after.get(name, 'gone')}"


def appends(old, new):
    for name, (_, members) in new.structs.items():
        for member, _, _ in members[len(old.structs.get(name, (0, []))[1]) :]:
            yield f"{name}.{member}: new"
    for name, constants in new.enums.items():
        for constant in constants.keys() - old.enums.get(name, {}).keys():
            yield f"{constant}: new"
    yield from (f"{name}: new" for name in sorted(new.typedefs.keys() - old.typedefs.keys()))


def main() -> int:
    files = [word for word in sys.argv[1:] if not word.startswith("--")]
    old, new = Interface(files[0]), Interface(files[1])
    if not old.structs or not old.enums or not old.functions:
        print(f"{files[0]}: no types in it", file=sys.stderr)
        return 1
    found = list(breaks(old, new)) + (list(appends(old, new)) if "--same" in sys.argv else [])
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


sys.exit(main())
