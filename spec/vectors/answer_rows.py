"""Vectors of endpoints' answers and what becomes of them. Every expectation is stated by hand."""

GOOD = '{"userId":"42"}'
UTF8_BOM = {"hex": "efbbbf"}
BODY_MAX = 65536


def text(value, times=None):
    return {"text": value} if times is None else {"text": value, "times": times}


def parts(body):
    return body if isinstance(body, list) else [text(body)]


def row(name, body, expect, status=200, content_encoding=None):
    vector = {"name": name, "status": status}
    if content_encoding is not None:
        vector["contentEncoding"] = content_encoding
    return vector | {"body": parts(body), "expect": expect}


def user(name, body, user_id="42", status=200, content_encoding=None, **rest):
    expect = {"outcome": "authenticated", "userId": user_id}
    names = {"email": "email", "role": "role", "attributes": "customAttributes", "warnings": "warnings"}
    expect |= {names[key]: value for key, value in rest.items()}
    return row(name, body, expect, status, content_encoding)


def failed(name, reason, body, status=200, content_encoding=None):
    return row(name, body, {"outcome": "failed", "reason": reason}, status, content_encoding)


def nobody(name, body="", content_encoding=None):
    return row(name, body, {"outcome": "nobody"}, 204, content_encoding)


def status_rows():
    page = "<!doctype html><title>no</title>"
    return [
        user("200", GOOD),
        user("201", GOOD, status=201),
        user("202", GOOD, status=202),
        user("206", GOOD, status=206),
        user("299", GOOD, status=299),
        nobody("204"),
        nobody("204 with a body, which is not looked at", GOOD),
        nobody("204 with a content encoding, which is not looked at", content_encoding="gzip"),
        failed("200 without a body", "empty_body", ""),
        failed("205 without a body", "empty_body", "", 205),
        failed("199", "http_status", GOOD, 199),
        failed("300", "redirect", "", 300),
        failed("301", "redirect", page, 301),
        failed("302 with a good body", "redirect", GOOD, 302),
        failed("304", "redirect", "", 304),
        failed("399", "redirect", "", 399),
        failed("400", "http_status", GOOD, 400),
        failed("401", "http_status", "", 401),
        failed("403", "http_status", "", 403),
        failed("404 with a page", "http_status", page, 404),
        failed("429", "http_status", "", 429),
        failed("500", "http_status", page, 500),
        failed("503", "http_status", "", 503),
        failed("599", "http_status", "", 599),
        failed("a status outranks a content encoding", "http_status", "", 500, "gzip"),
    ]


def encoding_rows():
    return [
        user("Content-Encoding: identity", GOOD, content_encoding="identity"),
        user("Content-Encoding: Identity", GOOD, content_encoding="Identity"),
        user("Content-Encoding: identity between spaces", GOOD, content_encoding=" identity "),
        failed("Content-Encoding: gzip", "content_encoding", [{"hex": "1f8b0800000000000003"}], 200, "gzip"),
        failed("Content-Encoding: gzip over a body that is plain", "content_encoding", GOOD, 200, "gzip"),
        failed("Content-Encoding: br", "content_encoding", GOOD, 200, "br"),
        failed("Content-Encoding: identity, gzip", "content_encoding", GOOD, 200, "identity, gzip"),
        failed("Content-Encoding: x-identity", "content_encoding", GOOD, 200, "x-identity"),
        failed("a gzip body that is not declared is no JSON", "not_json", [{"hex": "1f8b0800000000000003"}]),
    ]


def body_rows():
    return [
        failed("white space only", "empty_body", " \t\r\n"),
        failed("a BOM only", "empty_body", [UTF8_BOM]),
        failed("a BOM and white space only", "empty_body", [UTF8_BOM, text(" \n")]),
        failed("a page", "html", "<!DOCTYPE html><html><body>Sign in</body></html>"),
        failed("a page after white space", "html", "\r\n  <html></html>"),
        failed("a page after a BOM", "html", [UTF8_BOM, text("<html></html>")]),
        failed("XML", "html", '<?xml version="1.0"?><userId>42</userId>'),
        failed("plain text", "not_json", "OK"),
        failed("a form", "not_json", "userId=42"),
        failed("JSON that is cut off", "not_json", '{"userId":"42"'),
        failed("a string that is cut off", "not_json", '{"userId":"42'),
        failed("something after the object", "not_json", GOOD + "x"),
        failed("two objects", "not_json", GOOD + GOOD),
        failed("two objects on two lines", "not_json", GOOD + "\n" + GOOD),
        failed("a NUL after the object", "not_json", GOOD + "\u0000"),
        failed("a trailing comma", "not_json", '{"userId":"42",}'),
        failed("a trailing comma in an array", "not_json", '{"userId":"42","customAttributes":{"a":[1,]}}'),
        failed("a missing comma", "not_json", '{"userId":"42" "role":"x"}'),
        failed("a comment", "not_json", '{"userId":"42" /* me */}'),
        failed("single quotes", "not_json", "{'userId':'42'}"),
        failed("a name without quotes", "not_json", '{userId:"42"}'),
        failed("NaN", "not_json", '{"userId":NaN}'),
        failed("NaN in an attribute", "not_json", '{"userId":"42","customAttributes":{"a":NaN}}'),
        failed("Infinity in an attribute", "not_json", '{"userId":"42","customAttributes":{"a":-Infinity}}'),
        failed("True with a capital", "not_json", '{"userId":"42","customAttributes":{"a":True}}'),
        failed("a hexadecimal number", "not_json", '{"userId":0x2a}'),
        failed("a number that begins with a point", "not_json", '{"userId":"42","customAttributes":{"a":.5}}'),
        failed("a number that ends in a point", "not_json", '{"userId":"42","customAttributes":{"a":5.}}'),
        failed("a prefix against script inclusion", "not_json", ")]}',\n" + GOOD),
        failed("a BOM twice", "not_json", [UTF8_BOM, UTF8_BOM, text(GOOD)]),
        failed("a BOM after the object", "not_json", [text(GOOD), UTF8_BOM]),
        failed("UTF-16, little-endian", "not_json", [{"hex": "fffe" + GOOD.encode("utf-16-le").hex()}]),
        failed("UTF-16, big-endian, no BOM", "not_json", [{"hex": GOOD.encode("utf-16-be").hex()}]),
        failed("a byte that is no UTF-8, in the userId", "not_json", [text('{"userId":"4'), {"hex": "ff"}, text('"}')]),
        failed("Latin-1 in an attribute", "not_json",
               [text('{"userId":"42","customAttributes":{"a":"'), {"hex": "e9"}, text('"}}')]),
        failed("Latin-1 in a member that is not known", "not_json", [text('{"userId":"42","x":"'), {"hex": "e9"}, text('"}')]),
        failed("Latin-1 in the name of a member", "not_json", [text('{"userId":"42","'), {"hex": "e9"}, text('":1}')]),
        failed("an over-long UTF-8 form", "not_json", [text('{"userId":"'), {"hex": "c0af"}, text('"}')]),
        failed("a surrogate in UTF-8", "not_json", [text('{"userId":"'), {"hex": "eda080"}, text('"}')]),
        failed("a code point above U+10FFFF", "not_json", [text('{"userId":"'), {"hex": "f4908080"}, text('"}')]),
        failed("a lone high surrogate, escaped", "not_json", '{"userId":"\\ud83e"}'),
        failed("a lone low surrogate, escaped", "not_json", '{"userId":"\\udd80"}'),
        failed("surrogates in the wrong order, escaped", "not_json", '{"userId":"\\udd80\\ud83e"}'),
        failed("a lone surrogate in an attribute", "not_json", '{"userId":"42","customAttributes":{"a":["\\ud800"]}}'),
        failed("a lone surrogate in a member that is not known", "not_json", '{"userId":"42","x":"\\ud800"}'),
        failed("a lone surrogate in the name of a member", "not_json", '{"userId":"42","\\ud800":1}'),
        failed("an escape that is none", "not_json", '{"userId":"\\x41"}'),
        failed("an escape that is cut off", "not_json", '{"userId":"\\u00"}'),
        failed("a raw line end in a string", "not_json", '{"userId":"4\n2"}'),
        failed("a raw tab in a string", "not_json", '{"userId":"4\t2"}'),
        failed("a raw NUL in a string", "not_json", '{"userId":"4\u00002"}'),
        failed("an array", "not_an_object", f"[{GOOD}]"),
        failed("an empty array", "not_an_object", "[]"),
        failed("a string", "not_an_object", '"42"'),
        failed("a number", "not_an_object", "42"),
        failed("true", "not_an_object", "true"),
        failed("null", "not_an_object", "null"),
        user("white space round the object", "\r\n\t " + GOOD + " \n"),
        user("white space within the object", '{ "userId" : "42" }'),
        user("a BOM", [UTF8_BOM, text(GOOD)]),
        user("a BOM and white space", [UTF8_BOM, text("\n" + GOOD + "\n")]),
    ]


def size_rows():
    wrapping = len('{"userId":"42","x":""}')
    full = [text('{"userId":"42","x":"'), text("a", BODY_MAX - wrapping), text('"}')]
    over = [text('{"userId":"42","x":"'), text("a", BODY_MAX - wrapping + 1), text('"}')]
    spaces = [text(GOOD), text(" ", BODY_MAX - len(GOOD))]
    with_bom = [UTF8_BOM, text(GOOD), text(" ", BODY_MAX - len(GOOD) - 3)]
    return [
        user("64 KiB exactly", full),
        failed("64 KiB and one byte", "too_large", over),
        user("64 KiB exactly, mostly white space", spaces),
        failed("64 KiB and one byte of white space", "too_large", [*spaces, text(" ")]),
        user("64 KiB exactly, the BOM counted", with_bom),
        failed("64 KiB and one byte, the BOM counted", "too_large", [*with_bom, text(" ")]),
        failed("64 KiB and one byte of a page", "too_large", [text("<"), text("a", BODY_MAX)]),
        failed("64 KiB of opening brackets", "not_json", [text("[", BODY_MAX)]),
        failed("64 KiB of white space", "empty_body", [text(" ", BODY_MAX)]),
    ]


def depth_rows():
    def nested(levels, opening, closing, inside="1"):
        """An answer `levels` deep, the answer itself counted."""
        return [text('{"userId":"42","x":'), text(opening, levels - 1), text(inside), text(closing, levels - 1), text("}")]

    attributes = '{"a":' * 30 + "{}" + "}" * 30
    return [
        user("32 levels of arrays", nested(32, "[", "]")),
        failed("33 levels of arrays", "too_deep", nested(33, "[", "]")),
        user("32 levels of objects", nested(32, '{"a":', "}")),
        failed("33 levels of objects", "too_deep", nested(33, '{"a":', "}")),
        user("32 levels, the last an empty array", nested(31, "[", "]", "[]")),
        failed("33 levels, the last an empty array", "too_deep", nested(32, "[", "]", "[]")),
        failed("33 levels, the last an empty object", "too_deep", nested(32, "[", "]", "{}")),
        user("32 levels within customAttributes", f'{{"userId":"42","customAttributes":{attributes}}}', attributes=attributes),
        failed("33 levels within customAttributes", "too_deep",
               f'{{"userId":"42","customAttributes":{{"b":{attributes}}}}}'),
        failed("1,000 levels", "too_deep", nested(1000, "[", "]")),
        user("brackets in a string are no levels", [text('{"userId":"42","x":"'), text("[{", 100), text('"}')]),
    ]


def duplicate_rows():
    return [
        failed("userId twice", "duplicate_member", '{"userId":"42","userId":"43"}'),
        failed("userId twice, the same", "duplicate_member", '{"userId":"42","userId":"42"}'),
        failed("userId twice, once null", "duplicate_member", '{"userId":null,"userId":"42"}'),
        failed("userId twice, once by escapes", "duplicate_member", '{"userId":"42","\\u0075serId":"43"}'),
        failed("role twice", "duplicate_member", '{"userId":"42","role":"a","role":"b"}'),
        failed("customAttributes twice", "duplicate_member", '{"userId":"42","customAttributes":{},"customAttributes":{}}'),
        failed("a member that is not known twice", "duplicate_member", '{"userId":"42","x":1,"x":2}'),
        failed("the empty name twice", "duplicate_member", '{"userId":"42","":1,"":2}'),
        failed("an attribute twice", "duplicate_member", '{"userId":"42","customAttributes":{"a":1,"a":1}}'),
        failed("an attribute twice, once by escapes", "duplicate_member",
               '{"userId":"42","customAttributes":{"a":1,"\\u0061":2}}'),
        failed("a nested attribute twice", "duplicate_member", '{"userId":"42","customAttributes":{"a":{"b":1,"b":2}}}'),
        failed("a member twice in an array", "duplicate_member", '{"userId":"42","customAttributes":{"a":[{},[{"b":1,"b":2}]]}}'),
        failed("a member twice in what is not known", "duplicate_member", '{"userId":"42","x":{"a":1,"a":2}}'),
        failed("a member twice in an array at the top", "duplicate_member", '[{"a":1,"a":2}]'),
        failed("an astral name twice, once as surrogates", "duplicate_member", '{"userId":"42","🦀":1,"\\ud83e\\udd80":2}'),
        user("the same name in two objects", '{"userId":"42","customAttributes":{"userId":{"userId":1},"a":[{"a":1},{"a":2}]}}',
             attributes='{"userId":{"userId":1},"a":[{"a":1},{"a":2}]}'),
        user("names that differ by case", '{"userId":"42","userid":"43","UserId":"44"}'),
        user("names that differ by normal form", '{"userId":"42","\u00e9":1,"e\u0301":2}'),
    ]


def user_id_text_rows():
    return [
        user("a userId of one character", '{"userId":"a"}', "a"),
        user("a userId of 256 characters", [text('{"userId":"'), text("a", 256), text('"}')], "a" * 256),
        failed("a userId of 257 characters", "invalid_user_id", [text('{"userId":"'), text("a", 257), text('"}')]),
        user("256 characters of two bytes", [text('{"userId":"'), text("é", 256), text('"}')], "é" * 256),
        user("256 characters of four bytes", [text('{"userId":"'), text("🦀", 256), text('"}')], "🦀" * 256),
        failed("257 characters of four bytes", "invalid_user_id", [text('{"userId":"'), text("🦀", 257), text('"}')]),
        user("256 characters, each two escapes", [text('{"userId":"'), text("\\ud83e\\udd80", 256), text('"}')], "🦀" * 256),
        failed("257 characters, each two escapes", "invalid_user_id",
               [text('{"userId":"'), text("\\ud83e\\udd80", 257), text('"}')]),
        user("256 scalar values that look like 128 letters", [text('{"userId":"'), text("e\u0301", 128), text('"}')], "e\u0301" * 128),
        failed("258 scalar values that look like 129 letters", "invalid_user_id",
               [text('{"userId":"'), text("e\u0301", 129), text('"}')]),
        user("spaces at the edges are kept", '{"userId":" 42 "}', " 42 "),
        user("capitals are kept", '{"userId":"Ada"}', "Ada"),
        user("an id that is text keeps its zeros", '{"userId":"007"}', "007"),
        user("an id that looks like null", '{"userId":"null"}', "null"),
        user("an id in escapes", '{"userId":"\\u0034\\u0032"}', "42"),
        user("an id with escaped quotes and slashes", '{"userId":"a\\"\\\\\\/b"}', 'a"\\/b'),
        user("an e-mail address as id", '{"userId":"ada@shop.example"}', "ada@shop.example"),
        user("a zero-width space is not blank", '{"userId":"\u200b"}', "\u200b"),
        user("a non-character is a scalar value", '{"userId":"\uffff"}', "\uffff"),
        user("the last scalar value", '{"userId":"\U0010ffff"}', "\U0010ffff"),
        failed("an empty userId", "invalid_user_id", '{"userId":""}'),
        failed("a blank userId", "invalid_user_id", '{"userId":"   "}'),
        failed("a userId of no-break spaces", "invalid_user_id", '{"userId":"\u00a0\u00a0"}'),
        failed("a userId of an ideographic space, escaped", "invalid_user_id", '{"userId":"\\u3000"}'),
        failed("an escaped line end in the userId", "invalid_user_id", '{"userId":"42\\n"}'),
        failed("an escaped tab in the userId", "invalid_user_id", '{"userId":"4\\t2"}'),
        failed("an escaped NUL in the userId", "invalid_user_id", '{"userId":"42\\u0000"}'),
        failed("DEL in the userId", "invalid_user_id", '{"userId":"42\u007f"}'),
        failed("a C1 control in the userId", "invalid_user_id", '{"userId":"42\u0085"}'),
    ]


def user_id_other_rows():
    return [
        user("an integer", '{"userId":42}'),
        user("zero", '{"userId":0}', "0"),
        user("minus zero", '{"userId":-0}', "-0"),
        user("a negative integer", '{"userId":-42}', "-42"),
        user("an integer above 2^53", '{"userId":9007199254740993}', "9007199254740993"),
        user("an integer above 2^64", '{"userId":18446744073709551616}', "18446744073709551616"),
        user("white space round an integer", '{"userId": 42 }'),
        user("an integer of 256 digits", [text('{"userId":'), text("9", 256), text("}")], "9" * 256),
        failed("an integer of 257 digits", "invalid_user_id", [text('{"userId":'), text("9", 257), text("}")]),
        user("a minus and 255 digits", [text('{"userId":-'), text("9", 255), text("}")], "-" + "9" * 255),
        failed("a minus and 256 digits", "invalid_user_id", [text('{"userId":-'), text("9", 256), text("}")]),
        failed("a fraction", "invalid_user_id", '{"userId":1.5}'),
        failed("a whole number with a fraction", "invalid_user_id", '{"userId":1.0}'),
        failed("an exponent", "invalid_user_id", '{"userId":1e3}'),
        failed("an exponent in capitals", "invalid_user_id", '{"userId":1E3}'),
        failed("a huge exponent", "invalid_user_id", '{"userId":1e999}'),
        failed("minus zero with a fraction", "invalid_user_id", '{"userId":-0.0}'),
        failed("a leading zero", "not_json", '{"userId":042}'),
        failed("a leading zero after a minus", "not_json", '{"userId":-042}'),
        failed("a plus", "not_json", '{"userId":+42}'),
        failed("a minus alone", "not_json", '{"userId":-}'),
        failed("true as userId", "invalid_user_id", '{"userId":true}'),
        failed("false as userId", "invalid_user_id", '{"userId":false}'),
        failed("an object as userId", "invalid_user_id", '{"userId":{"$oid":"42"}}'),
        failed("an empty object as userId", "invalid_user_id", '{"userId":{}}'),
        failed("an array as userId", "invalid_user_id", '{"userId":["42"]}'),
        failed("null as userId", "no_user_id", '{"userId":null}'),
        failed("no userId", "no_user_id", '{"email":"ada@shop.example"}'),
        failed("an empty object", "no_user_id", "{}"),
        failed("userid in lower case", "no_user_id", '{"userid":"42"}'),
        failed("user_id", "no_user_id", '{"user_id":"42"}'),
        failed("a userId one level down", "no_user_id", '{"user":{"userId":"42"}}'),
        user("the name userId by escapes", '{"\\u0075ser\\u0049d":"42"}'),
    ]


def optional_rows():
    def answer(rest):
        return f'{{"userId":"42",{rest}}}'

    email_320 = "a" * 64 + "@" + "b" * 255
    return [
        user("everything", answer('"email":"ada@shop.example","role":"admin","customAttributes":{"plan":"gold"}'),
             email="ada@shop.example", role="admin", attributes='{"plan":"gold"}'),
        user("everything in another order", '{"customAttributes":{},"role":"admin","email":"a@b","userId":42}',
             email="a@b", role="admin", attributes="{}"),
        user("everything null", answer('"email":null,"role":null,"customAttributes":null')),
        user("names by escapes", answer('"\\u0065mail":"a@b","rol\\u0065":"x","\\u0063ustomAttributes":{"a":1}'),
             email="a@b", role="x", attributes='{"a":1}'),
        user("members that are not known", answer('"name":"Ada","error":null,"exp":1e999,"roles":["a"],"":{}')),
        user("an email is not checked for its form", answer('"email":"not an address"'), email="not an address"),
        user("an empty email", answer('"email":""'), email=""),
        user("an email of 320 characters", answer(f'"email":"{email_320}"'), email=email_320),
        user("an email of 321 characters", answer(f'"email":"{email_320}c"'), warnings=["email_too_long"]),
        user("an email of 320 characters of four bytes", [text('{"userId":"42","email":"'), text("🦀", 320), text('"}')],
             email="🦀" * 320),
        user("an email of 321 characters of four bytes", [text('{"userId":"42","email":"'), text("🦀", 321), text('"}')],
             warnings=["email_too_long"]),
        user("a number as email", answer('"email":42'), warnings=["email_not_a_string"]),
        user("false as email", answer('"email":false'), warnings=["email_not_a_string"]),
        user("an array as email", answer('"email":["a@b"]'), warnings=["email_not_a_string"]),
        user("a role of 128 characters", answer(f'"role":"{"r" * 128}"'), role="r" * 128),
        user("a role of 129 characters", answer(f'"role":"{"r" * 129}"'), warnings=["role_too_long"]),
        user("a role of 128 characters of two bytes", answer(f'"role":"{"é" * 128}"'), role="é" * 128),
        user("an object as role", answer('"role":{"name":"admin"}'), warnings=["role_not_a_string"]),
        user("an array as role", answer('"role":["admin"]'), warnings=["role_not_a_string"]),
        user("true as role", answer('"role":true'), warnings=["role_not_a_string"]),
        user("a role in escapes", answer('"role":"\\u0061dmin"'), role="admin"),
        user("an array as customAttributes", answer('"customAttributes":[]'), warnings=["custom_attributes_not_an_object"]),
        user("a string as customAttributes", answer('"customAttributes":"{}"'), warnings=["custom_attributes_not_an_object"]),
        user("false as customAttributes", answer('"customAttributes":false'), warnings=["custom_attributes_not_an_object"]),
        user("a number as customAttributes", answer('"customAttributes":0'), warnings=["custom_attributes_not_an_object"]),
        user("all three of another type", answer('"customAttributes":1,"role":2,"email":3'),
             warnings=["email_not_a_string", "role_not_a_string", "custom_attributes_not_an_object"]),
        user("one dropped, the others kept", answer('"email":1,"role":"admin","customAttributes":{"a":1}'),
             role="admin", attributes='{"a":1}', warnings=["email_not_a_string"]),
        failed("a bad userId beside good members", "invalid_user_id", '{"userId":"","email":"a@b","role":"admin"}'),
    ]


def attribute_rows():
    def kept(name, attributes):
        return user(name, f'{{"userId":"42","customAttributes":{attributes}}}', attributes=attributes)

    return [
        kept("an empty object is kept", "{}"),
        kept("a trailing zero is kept", '{"price":1.10}'),
        kept("a huge exponent is kept", '{"n":1e999}'),
        kept("a tiny exponent is kept", '{"n":1E-999}'),
        kept("an integer above 2^64 is kept", '{"n":123456789012345678901234567890}'),
        kept("a long fraction is kept", '{"n":0.1000000000000000055511151231257827}'),
        kept("minus zero is kept", '{"n":-0}'),
        kept("an exponent with a plus is kept", '{"n":1.0e+2}'),
        kept("the order of members is kept", '{"z":1,"a":2,"10":3,"9":4}'),
        kept("white space inside is kept", '{ "a" : [ 1 ,\t2 ] ,\r\n "b" : { } }'),
        kept("escapes are kept as escapes", '{"\\u0061":"\\u00e9\\/\\n\\ud83e\\udd80"}'),
        kept("text outside ASCII is kept as it is", '{"名前":"Zoë 🦀"}'),
        kept("an escaped NUL is kept", '{"a":"\\u0000"}'),
        kept("the name __proto__ is a name", '{"__proto__":{"admin":true},"constructor":1}'),
        kept("nested values of every type", '{"a":{"b":[null,true,false,"",0,-1.5e-3,{"c":[]}]}}'),
        kept("null as an attribute is kept", '{"a":null}'),
        user("white space round customAttributes is not", '{"userId":"42","customAttributes": \n {"a":1} \n }',
             attributes='{"a":1}'),
    ]


def answers():
    sections = [
        status_rows, encoding_rows, body_rows, size_rows, depth_rows, duplicate_rows,
        user_id_text_rows, user_id_other_rows, optional_rows, attribute_rows,
    ]
    return {
        "about": "status, Content-Encoding (all values joined; absent: not sent) and body of an answer, and what becomes of it. "
        "A body is its parts in a row, each `text` or `hex`, `times` over. customAttributes is the exact text that is kept.",
        "vectors": [vector for section in sections for vector in section()],
    }
