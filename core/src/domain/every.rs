//! *every*: the interval between frames, as people write it and in milliseconds.

use serde::{Deserialize, Deserializer, de};

/// One frame per second, when nothing else is said.
pub const DEFAULT_MS: u64 = 1_000;
/// The shortest interval: a thousand frames a second.
pub const MIN_MS: u64 = 1;
/// The longest interval: a day.
pub const MAX_MS: u64 = 24 * 60 * 60 * 1_000;

/// Milliseconds from `"1s"`, `"500ms"`, `"2m"`, `"1h"`, `"0.5s"`, or a bare number of seconds.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "ms" => 1.0,
        "" | "s" => 1_000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => {
            return Err(format!(
                "every {text:?} is not an interval such as 1s, 500ms or 2m"
            ));
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("every {text:?} does not begin with a number"))?;
    from_ms_f64(number * unit_ms)
}

fn from_ms_f64(ms: f64) -> Result<u64, String> {
    let ms = ms.round();
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bounds are small whole numbers"
    )]
    if ms.is_finite() && ms >= MIN_MS as f64 && ms <= MAX_MS as f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "just checked against the bounds"
        )]
        return Ok(ms as u64);
    }
    Err("every must be between 1ms and 24h".to_owned())
}

/// Checks an interval that is already in milliseconds.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_ms(ms: u64) -> Result<u64, String> {
    if (MIN_MS..=MAX_MS).contains(&ms) {
        Ok(ms)
    } else {
        Err("every must be between 1ms and 24h".to_owned())
    }
}

/// For serde's `deserialize_with`: a text as [`parse`] takes it, or a number of seconds.
///
/// # Errors
/// When it is neither, or out of bounds.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Seconds(f64),
    }
    match Given::deserialize(deserializer)? {
        Given::Text(text) => parse(&text),
        Given::Seconds(seconds) => from_ms_f64(seconds * 1_000.0),
    }
    .map_err(de::Error::custom)
}

/// [`DEFAULT_MS`], for serde's `default`.
#[must_use]
pub fn default_ms() -> u64 {
    DEFAULT_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_as_people_write_them() {
        for (text, ms) in [
            ("1s", 1_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("0.5s", 500),
            ("10", 10_000),
            (" 3 s ", 3_000),
            (".25s", 250),
        ] {
            assert_eq!(parse(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in [
            "", "s", "0", "0s", "-1s", "1d", "1 s s", "1e9s", "25h", "nan", "1.2.3s", "0.1ms",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
