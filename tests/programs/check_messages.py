"""Validates recorded messages against the schema of the protocol: `REQUEST {...}` and `ANSWER {...}`, one a line, in order."""

import json
import sys

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)


def validator(definition):
    return jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"})


request, message, calls = validator("request"), validator("message"), {}
for line in sys.stdin:
    kind, text = line.split(" ", 1)
    content = json.loads(text)
    if kind == "REQUEST":
        request.validate(content)
        calls[content["id"]] = content["call"]
    else:
        message.validate(content)
        if "ok" in content:
            validator(f"{calls[content['id']]}_answer").validate(content["ok"])

# What is not in the protocol is refused.
for wrong in [{"id": 1}, {"ok": {}}, {"id": 1, "ok": {}, "error": {"kind": "method", "message": ""}}, {"id": -1, "ok": {}}]:
    assert not message.is_valid(wrong), wrong
for wrong in [{"id": 1, "call": "other"}, {"id": 1, "call": "encode", "system": 0}, {"call": "save"}]:
    assert not request.is_valid(wrong), wrong
