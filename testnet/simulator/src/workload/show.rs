//! Bytes for people.

/// Characters, or bytes as two digits each, that are shown of what is longer.
const SHOWN: usize = 120;

/// Bytes as the text that they are, in quotes, or as hexadecimal digits behind `0x`; shortened where they are many.
pub fn text_or_hex(bytes: &[u8]) -> String {
    let (shown, length) = match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => {
            (format!("{:?}", text.chars().take(SHOWN).collect::<String>()), text.chars().count())
        }
        _ => {
            let digits: String = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            (format!("0x{digits}"), bytes.len())
        }
    };
    if length > SHOWN { format!("{shown}… ({} bytes)", bytes.len()) } else { shown }
}

/// Characters that are shown of what a machine's own words for a command or a result are.
const WORDS: usize = 600;

/// Somebody's words for these many bytes, without their end where they are many.
pub(super) fn shortened(words: &str, bytes: usize) -> String {
    match words.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}… ({bytes} bytes)", &words[..end]),
        None => words.to_owned(),
    }
}
