//! The name that a response gives its body: `Content-Disposition` (RFC 6266), read as the reference does.

/// Before a name, in any case.
const NAME: &[u8] = b"filename=";

/// The file's name. Parts end at a semicolon that no quotes enclose; quotes behind a backslash are none. Where quotes stay open
/// there is no name.
pub(super) fn file_name(value: &[u8]) -> Option<&[u8]> {
    let value = trim_start(value);
    let mut part_start = 0;
    let mut quotes = 0_usize;
    let mut at = 1;
    while at < value.len() {
        let (is_escaped, is_last) = (value[at - 1] == b'\\', at + 1 == value.len());
        quotes += usize::from(!is_escaped && value[at] == b'"');
        let is_end = !is_escaped && value[at] == b';';
        if quotes.is_multiple_of(2) && (is_end || is_last) {
            let part_end = if is_last { value.len() } else { at };
            if let Some(name) = name_of_part(&value[part_start..part_end]) {
                return Some(name);
            }
            part_start = value.len() - trim_start(&value[at + 1..]).len();
            at = part_start.max(at + 1);
        } else {
            at += 1;
        }
    }
    None
}

fn name_of_part(part: &[u8]) -> Option<&[u8]> {
    let (key, name) = part.split_at_checked(NAME.len())?;
    if name.is_empty() || !key.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    Some(name.strip_suffix(b"\"").unwrap_or(name))
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let blanks = bytes.iter().take_while(|byte| is_blank(byte)).count();
    &bytes[blanks..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_the_reference_finds_it() {
        let cases: &[(&[u8], Option<&[u8]>)] = &[
            (b"attachment; filename=\"a.exe\"", Some(b"a.exe")),
            (b"attachment;FileName=a.exe;x=y", Some(b"a.exe")),
            (b"filename=a.exe", Some(b"a.exe")),
            (b"x; y=\"1;2\"; filename=\"a;b.exe\"", Some(b"a;b.exe")),
            (b"x; filename=\"a\\\"b.exe\"", Some(b"a\\\"b.exe")),
            (b"x; filename=a.exe ; size=3", Some(b"a.exe ")),
            (b"x; filename=\"a.exe\"junk", Some(b"a.exe\"junk")),
            (b"x; filename= a.exe", Some(b" a.exe")),
            (b"x; filename=\"\"", Some(b"")),
            (b"x; filename=\"a\"; filename=\"b\"", Some(b"a")),
            (b"attachment; filename = \"a.exe\"", None),
            (b"; filename=a.exe", None),
            (b"x; filename*=UTF-8''a.exe", None),
            (b"x; filename=", None),
            (b"x; filename=\"a.exe", None),
            (b"x, filename=a.exe", None),
            (b"x", None),
            (b"", None),
            (b";", None),
        ];
        for (value, expected) in cases {
            let text = value.escape_ascii();
            assert_eq!(file_name(value), *expected, "{text}");
        }
    }
}
