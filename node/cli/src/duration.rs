//! Times on the command line: `500ms`, `5s`, `2m`, `1h`.

use std::time::Duration;

/// Reads a time.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is no time; write it as 500ms, 5s, 2m or 1h"))?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(format!("{text:?} has no unit of time; write it as 500ms, 5s, 2m or 1h")),
    };
    match millis.map(Duration::from_millis) {
        Some(Duration::ZERO) => Err("no time at all is too short".into()),
        Some(time) if time <= LONGEST => Ok(time),
        _ => Err("that is longer than a week".into()),
    }
}

const LONGEST: Duration = Duration::from_secs(7 * 86_400);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn times_have_a_number_and_a_unit() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("1h"), Ok(Duration::from_secs(3600)));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in
            ["", "5", "s", "5 s", "-1s", "1.5s", "0s", "5d", "999999999999999999999s", "18446744073709551615h", "8000h"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
