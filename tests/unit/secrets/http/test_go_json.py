"""Bodies, read as Go reads them. The expected results are those of Go's own encoding/json."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leger_secrets.http import go_json
from leger_secrets.http.go_json import NotDecodable

FIELDS = {
    "Name": go_json.text,
    "Version": go_json.uint32,
    "UpdateIfChanged": go_json.boolean,
    "Value": go_json.octets,
}


def decode(body: str | bytes) -> dict[str, object]:
    return go_json.decode(body if isinstance(body, bytes) else body.encode(), FIELDS)


@pytest.mark.parametrize(
    "body",
    [
        *("", " ", "\n", "{", "}", "nul", "Null", "NaN", "[]", '"Name"', "1", "true", "[{}]"),
        *("{]", "{,}", '{"Name"}', '{"Name":}', '{"Name":"x",}', "{'Name':1}", "{Name:1}"),
        *('{"Name":"a\nb"}', r'{"Name":"\x"}', r'{"Name":"\u12"}', '{"Name":"', '{"Name":"x"'),
        *('{"x":01}', '{"x":NaN}', '{"x":Infinity}', '{"x":1.}', '{"x":.5}', '{"x":+1}'),
        *('{"x":0x1}', '{"x":-}', '{"x":1e}', '{"x":[1,]}', '{"x":[,1]}', '{"x":{"y":1,}}'),
        *('{"x":{1:2}}', '{"x":[1}', '{"x":{"y"]}', '{"x" 1}', '{"x":1 "y":2}', "\ufeff{}"),
        *("/**/{}", "\x00{}", "\x0b{}", "\xa0{}", '{"x":"\ud7ff" "'),
    ],
)
def test_what_go_cannot_read_is_refused(body: str) -> None:
    with pytest.raises(NotDecodable):
        decode(body)


@pytest.mark.parametrize("body", ["{}", "null", " \t\r\n{ }", '{"Name":null,"Version":null}'])
def test_null_and_nothing_leave_fields_as_they_are(body: str) -> None:
    assert decode(body) == {}


@pytest.mark.parametrize("trailing", ["", "\n", "{}", "garbage", "}", "\x00", b"\xff"])
def test_what_follows_the_first_value_is_not_read(trailing: str | bytes) -> None:
    rest = trailing.encode() if isinstance(trailing, str) else trailing
    assert decode(b'{"Name":"x"}' + rest) == {"Name": "x"}
    assert decode(b"null" + rest) == {}


@pytest.mark.parametrize("key", ["Name", "name", "NAME", "nAmE", r"\u004eame"])
def test_names_of_fields_are_taken_in_any_case(key: str) -> None:
    assert decode(f'{{"{key}":"x"}}') == {"Name": "x"}


def test_names_of_fields_are_folded_as_unicode_does() -> None:
    assert decode('{"Ver\u017fion":1}') == {"Version": 1}  # the long s
    assert decode('{"N\u0430me":"x"}') == {}  # a Cyrillic a


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"Version":1,"version":2}', {"Version": 2}),
        ('{"Version":2,"Version":null}', {"Version": 2}),
        ('{"Value":"eA==","Value":null}', {"Value": b""}),
        ('{"x":1,"Name":"x","x":{"Name":"y"}}', {"Name": "x"}),
        ('{"x":[[{"y":null}],-1.5e+300,"\\ud800",true],"Name":"x"}', {"Name": "x"}),
        ('{"":0,"Names":["a"],"Na me":"b","Name":"x"}', {"Name": "x"}),
    ],
)
def test_the_last_of_repeated_fields_counts_and_unknown_ones_do_not(
    body: str, expected: dict[str, object]
) -> None:
    assert decode(body) == expected


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("Name", ["1", "true", "[]", "{}", '["a"]']),
        ("Version", ['"1"', "true", "[]", "1.0", "1e0", "-1", "-0", "4294967296", "9" * 5000]),
        ("UpdateIfChanged", ['"true"', "1", "0", "[]", "{}"]),
        ("Value", ["1", "true", "{}", '["a"]', "[256]", "[-1]", "[1.5]", "[1,]", "[[]]"]),
    ],
)
def test_fields_of_another_type_are_refused(field: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(NotDecodable):
            decode(f'{{"{field}":{value}}}')


@pytest.mark.parametrize(
    "encoded",
    [
        *("dmFsdWU", "dmFsdWU==", "dmFsdWU===", "dmFs dWU=", "dmFsdWU=x", "=", "====", "a"),
        *("aaaaa", "-_-_", "é===", "dmFs\\tdWU=", "YWJj=", "YWJj====", "AA=A", "A===", "A=A="),
    ],
)
def test_values_in_any_other_base64_are_refused(encoded: str) -> None:
    with pytest.raises(NotDecodable):
        decode(f'{{"Value":"{encoded}"}}')


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"dmFsdWU="', b"value"),
        (r'"dmFs\ndWU=\r\n"', b"value"),  # line ends are skipped
        ('"dmFsdWV="', b"value"),  # bits that code nothing need not be 0
        (r'"\u0064mFsdWU\u003d"', b"value"),
        ('""', b""),
        ("null", b""),
        ("[]", b""),
        ("[118,97,108,117,101]", b"value"),
        ("[0, 255, null]", b"\x00\xff\x00"),
    ],
)
def test_values_are_padded_base64_or_a_list_of_numbers(written: str, value: bytes) -> None:
    assert decode(f'{{"Value":{written}}}') == {"Value": value}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"\ud83d\udd11", "🔑"),
        (rb"\ud800", "\ufffd"),
        (rb"\udc00x", "\ufffdx"),
        (rb"\ud83d\ud83d\udd11", "\ufffd🔑"),
        (b"\xff", "\ufffd"),
        (b"\xe2\x82", "\ufffd\ufffd"),  # one for each byte
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (rb"\"\\\/\b\f\n\r\t", '"\\/\b\f\n\r\t'),
        ("\u2028é\x7f".encode(), "\u2028é\x7f"),
    ],
)
def test_text_that_is_no_unicode_is_replaced(written: bytes, text: str) -> None:
    assert decode(b'{"Name":"' + written + b'"}') == {"Name": text}


def test_nesting_has_go_s_limit() -> None:
    def nested(depth: int) -> str:
        return f'{{"x":{"[" * depth}{"]" * depth},"Name":"x"}}'

    assert decode(nested(9_999)) == {"Name": "x"}
    with pytest.raises(NotDecodable):
        decode(nested(10_000))
    with pytest.raises(NotDecodable):
        decode('{"x":' + "[{}," * 100_000)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(name=st.text(), version=st.integers(0, 2**32 - 1), value=st.binary(), other=JSON)
def test_whatever_a_proper_client_sends_arrives(
    name: str, version: int, value: bytes, other: object
) -> None:
    body = json.dumps(
        {"x": other, "Name": name, "Version": version, "Value": base64.b64encode(value).decode()}
    )
    assert decode(body) == {"Name": name, "Version": version, "Value": value}


@given(st.binary(max_size=50))
def test_no_body_is_worse_than_a_bad_request(body: bytes) -> None:
    with suppress(NotDecodable):
        decode(body)
