//! *every*: the interval between frames, as people write it and in milliseconds.

use std::fmt;

use serde::{Deserializer, de};

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
    let ms = milliseconds(text).ok_or_else(|| {
        format!(
            "every {:?} is not an interval such as 1s, 500ms or 2m",
            text.trim()
        )
    })?;
    whole(ms).map_or_else(|| check_ms(0), check_ms)
}

/// The milliseconds that a text stands for, whatever their number.
fn milliseconds(text: &str) -> Option<f64> {
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
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * unit_ms)
}

/// Rounded, if it is within a day.
fn whole(ms: f64) -> Option<u64> {
    let ms = ms.round();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the bound is a small whole number, and the rest is checked against it"
    )]
    (ms >= 0.0 && ms <= MAX_MS as f64).then_some(ms as u64)
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
    let ms = deserializer.deserialize_any(Time)?;
    whole(ms)
        .map_or_else(|| check_ms(0), check_ms)
        .map_err(de::Error::custom)
}

/// The same for a place on the player's clock, which may be 0.
///
/// # Errors
/// When it is neither, or out of bounds.
pub fn deserialize_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let ms = deserializer.deserialize_any(Time)?;
    whole(ms).ok_or_else(|| de::Error::custom("must be between 0 and 24h"))
}

/// A time in milliseconds, from text or seconds.
struct Time;

impl de::Visitor<'_> for Time {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 1s, 500ms or 2m, or a number of seconds")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        milliseconds(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<f64, E> {
        Ok(seconds * 1_000.0)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is too large to be exact is refused"
    )]
    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<f64, E> {
        self.visit_f64(seconds as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is too large to be exact is refused"
    )]
    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<f64, E> {
        self.visit_f64(seconds as f64)
    }
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
            "",
            "s",
            "0",
            "0s",
            "-1s",
            "1d",
            "1 s s",
            "1e9s",
            "25h",
            "nan",
            "1.2.3s",
            "0.1ms",
            "999999999999999999999999999999h",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
