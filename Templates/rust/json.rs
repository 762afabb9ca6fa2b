//! Reads JSON where it lies. Whatever the bytes are, it stays inside them.
use crate::kimi_plugin::{append, Failure, CAT_PROTOCOL, E_PROTOCOL};

/// How long is the value that `json` begins with? Brackets are counted, not followed, so depth costs nothing.
fn length(json: &[u8]) -> usize {
    let (mut depth, mut quoted, mut i) = (0usize, false, 0);
    while i < json.len() {
        let c = json[i];
        match c {
            b'\\' if quoted => i += 1,
            b'"' if quoted && depth == 0 => return i + 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return i,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            b',' | b':' if depth == 0 => return i,
            c if depth == 0 && c <= b' ' => return i,
            _ => {}
        }
        i += 1;
    }
    json.len()
}

/// Takes the value that `rest` begins with; empty at the end of an object or array.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let json = rest.trim_ascii_start();
    let (value, after) = json.split_at(length(json));
    *rest = after.trim_ascii_start();
    value
}

/// What is between the brackets of `value`, if it begins with `open`; else nothing.
pub fn inside(value: &[u8], open: u8) -> &[u8] {
    let value = value.trim_ascii_start();
    if value.len() > 1 && value[0] == open {
        &value[1..value.len() - 1]
    } else {
        &[]
    }
}

/// The member `key` of an object as it is written; nothing if it is not there. Keys with escapes are not found.
pub fn get<'a>(object: &'a [u8], key: &str) -> &'a [u8] {
    let mut rest = inside(object, b'{');
    while !rest.is_empty() {
        let name = inside(take(&mut rest), b'"');
        let Some(after) = rest.strip_prefix(b":") else { break };
        rest = after;
        let value = take(&mut rest);
        if name == key.as_bytes() {
            return value;
        }
        let Some(after) = rest.strip_prefix(b",") else { break };
        rest = after;
    }
    &[]
}

/// The elements of an array, as they are written.
pub fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = inside(array, b'[');
    std::iter::from_fn(move || {
        let value = take(&mut rest);
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        (!value.is_empty()).then_some(value)
    })
}

/// The first element of an array.
pub fn first(array: &[u8]) -> &[u8] {
    take(&mut inside(array, b'['))
}

/// A whole number from 0; -1 for anything else.
pub fn count(value: &[u8]) -> i64 {
    if value.is_empty() || value.len() > 15 || !value.iter().all(u8::is_ascii_digit) {
        return -1;
    }
    value.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

const WRONG: Failure = Failure(E_PROTOCOL, CAT_PROTOCOL, "a JSON string cannot be decoded");

/// The string that `value` holds, as UTF-8; empty if it is no string.
pub fn text(value: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    if value.first() != Some(&b'"') {
        return Ok(text);
    }
    if value.len() < 2 || value.last() != Some(&b'"') {
        return Err(WRONG);
    }
    let mut rest = std::str::from_utf8(inside(value, b'"')).map_err(|_| WRONG)?;
    while let Some(at) = rest.find('\\') {
        append(&mut text, rest[..at].as_bytes())?;
        rest = &rest[at + 1..];
        let escape = rest.chars().next().ok_or(WRONG)?;
        rest = &rest[escape.len_utf8()..];
        let decoded = match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut rest)?,
            _ => return Err(WRONG),
        };
        append(&mut text, decoded.encode_utf8(&mut [0; 4]).as_bytes())?;
    }
    append(&mut text, rest.as_bytes())?;
    Ok(text)
}

/// Four hexadecimal digits, and a second escape if they are the first half of a pair; half a pair becomes U+FFFD.
fn unicode(rest: &mut &str) -> Result<char, Failure> {
    let high = hex4(rest).ok_or(WRONG)?;
    *rest = &rest[4..];
    if let (0xD800..=0xDBFF, Some(after)) = (high, rest.strip_prefix("\\u")) {
        if let Some(low @ 0xDC00..=0xDFFF) = hex4(after) {
            *rest = &after[4..];
            return char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or(WRONG);
        }
    }
    Ok(char::from_u32(high).unwrap_or('\u{FFFD}'))
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}
