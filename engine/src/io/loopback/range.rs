//! The `Range` header of a request (RFC 9110, 14.1.2), as far as one range goes.

use std::ops::Range;

/// The bytes that `text` asks for of an object of `length` bytes; `None` if it cannot be satisfied
/// or is not understood.
pub(super) fn parse(text: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => length.saturating_sub(suffix.parse().ok()?)..length,
        (first, "") => first.parse().ok()?..length,
        (first, last) => {
            let last: u64 = last.parse().ok()?;
            first.parse().ok()?..last.saturating_add(1).min(length)
        }
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_form() {
        assert_eq!(parse("bytes=0-", 10), Some(0..10));
        assert_eq!(parse("bytes=3-5", 10), Some(3..6));
        assert_eq!(parse("bytes=3-50", 10), Some(3..10));
        assert_eq!(parse("bytes=-4", 10), Some(6..10));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "bytes=10-",
            "bytes=5-3",
            "bytes=-",
            "bytes=0-1,3-4",
            "lines=0-",
            "",
            "bytes=-0",
        ] {
            assert_eq!(parse(text, 10), None, "{text}");
        }
    }
}
