//! Moments of a video, on the command line.

use std::time::Duration;

use fotograma_core::domain::every;

use crate::config::duration;

/// A moment of a video as people write it: `90`, `90s`, `1:30`, `00:01:30.5`.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn moment(text: &str) -> Result<Duration, String> {
    let malformed =
        || format!("{text:?} is not a moment such as 90, 1:30 or 00:01:30.5, from 0 to 24h");
    let text = text.trim();
    if !text.contains(':') {
        // Zero is a moment, though no interval.
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let is_zero = number.parse::<f64>().is_ok_and(|number| number == 0.0);
        let has_unit = ["", "ms", "s", "m", "min", "h"].contains(&&text[number.len()..]);
        if is_zero && has_unit && !number.starts_with('-') {
            return Ok(Duration::ZERO);
        }
        return duration(text).map_err(|_| malformed());
    }
    // Hours, minutes and seconds; only the first may be more than 59, and only the last have decimals.
    let parts: Vec<&str> = text.split(':').collect();
    let (last, whole) = parts.split_last().ok_or_else(malformed)?;
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_seconds = last.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && last.starts_with(|c: char| c.is_ascii_digit());
    if whole.len() > 2 || !is_seconds || !whole.iter().all(|part| is_plain(part)) {
        return Err(malformed());
    }
    let mut seconds = 0_f64;
    for (place, part) in parts.iter().enumerate() {
        let value: f64 = part.parse().map_err(|_| malformed())?;
        if place > 0 && value >= 60.0 {
            return Err(malformed());
        }
        seconds = seconds * 60.0 + value;
    }
    if seconds > LONGEST.as_secs_f64() {
        return Err(malformed());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// The latest moment.
const LONGEST: Duration = Duration::from_millis(every::MAX_MS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_write_them() {
        for (text, ms) in [
            ("0", 0),
            ("0s", 0),
            ("0.0", 0),
            ("90", 90_000),
            ("90s", 90_000),
            ("500ms", 500),
            ("1:30", 90_000),
            ("0:00", 0),
            ("00:01:30.5", 90_500),
            ("100:00", 6_000_000),
            ("2:00:00", 7_200_000),
            ("24:00:00", 86_400_000),
        ] {
            assert_eq!(moment(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "", ":", "1:", ":30", "1:60", "1:2:3:4", "-1", "-1:00", "-0", "1:-2", "1.5:00", "1:+2",
            "1:1e1", "25h", "24:00:01", "0x", "nan:00", "half",
        ] {
            assert!(moment(text).is_err(), "{text:?}");
        }
    }
}
