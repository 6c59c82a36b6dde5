//! Splitting a line into words: bare ones, and quoted ones with escapes, which may have any bytes.

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A word's bytes, without its quotes.
    Text(Vec<u8>),
    /// `(`, outside of quotes.
    Open,
    /// `)`, outside of quotes.
    Close,
    /// `=`, `!=`, `<` or `>`, outside of quotes and before the end of a compare.
    Sign(&'static str),
}

/// A line's words.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn words(line: &str, has_signs: bool) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, behind) = match first {
            '(' if has_signs => (Word::Open, skip(rest, 1)),
            ')' if has_signs => (Word::Close, skip(rest, 1)),
            _ if has_signs && sign(rest).is_some() => {
                let sign = sign(rest).unwrap_or_default();
                (Word::Sign(sign), skip(rest, sign.len()))
            }
            '"' | '\'' => quoted(skip(rest, 1), first)?,
            _ => bare(rest, has_signs),
        };
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

fn sign(text: &str) -> Option<&'static str> {
    ["!=", "=", "<", ">"].into_iter().find(|sign| text.starts_with(sign))
}

fn bare(text: &str, has_signs: bool) -> (Word, &str) {
    let ends = |c: char| c.is_whitespace() || (has_signs && "()=<>!".contains(c));
    let end = text.find(ends).unwrap_or(text.len()).max(1);
    let (word, behind) = text.split_at_checked(end).unwrap_or((text, ""));
    (Word::Text(word.as_bytes().to_vec()), behind)
}

/// In single quotes everything is as it stands; in double quotes `\` begins an escape.
fn quoted(text: &str, quote: char) -> Result<(Word, &str), String> {
    let mut bytes = Vec::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            _ if c == quote => return Ok((Word::Text(bytes), skip(text, at + 1))),
            '\\' if quote == '"' => bytes.push(escaped(&mut characters)?),
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(format!("a {quote} is not closed"))
}

fn escaped(characters: &mut std::str::CharIndices<'_>) -> Result<u8, String> {
    let mut next = || characters.next().map(|(_, c)| c);
    match next() {
        Some('n') => Ok(b'\n'),
        Some('t') => Ok(b'\t'),
        Some('r') => Ok(b'\r'),
        Some('0') => Ok(0),
        Some(c @ ('\\' | '"' | '\'')) => u8::try_from(c).map_err(|error| error.to_string()),
        Some('x') => {
            let digits: String = [next(), next()].into_iter().flatten().collect();
            u8::from_str_radix(&digits, 16).map_err(|_| format!("\\x{digits} is not two hexadecimal digits"))
        }
        Some(c) => Err(format!("\\{c} is no escape: there are \\n \\t \\r \\0 \\\\ \\\" and \\xNN")),
        None => Err("a \\ stands at the end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Word {
        Word::Text(bytes.to_vec())
    }

    #[test]
    fn words_may_be_bare_or_quoted() {
        let line = r#" put 'it is' "a\tb\xff\"" --lease=7 (x)=1 ä"#;
        let expected: Vec<Word> =
            [&b"put"[..], b"it is", b"a\tb\xff\"", b"--lease=7", b"(x)=1", "ä".as_bytes()].map(text).into();
        assert_eq!(words(line, false), Ok(expected));
        assert_eq!(words("\"\"", false), Ok(vec![text(b"")]));
    }

    #[test]
    fn compares_have_signs() {
        let expected = vec![text(b"mod"), Word::Open, text(b"k(=)"), Word::Close, Word::Sign("!="), text(b"5")];
        assert_eq!(words(r#"mod("k(=)")!=5"#, true), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(words("put \"a", false).unwrap_err().contains("not closed"));
        assert!(words(r#"put "\q""#, false).unwrap_err().contains("no escape"));
        assert!(words(r#"put "\xg0""#, false).unwrap_err().contains("hexadecimal"));
        assert!(words("put \"\\", false).unwrap_err().contains("at the end"));
        assert_eq!(words("!", true), Ok(vec![text(b"!")]), "a lone sign of no meaning is a word");
    }
}
