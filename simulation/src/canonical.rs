//! The same words for states that differ only in names and in times that nobody looks at.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::world::{Ms, moment};

/// How long a date's day is, as it is printed: `2027-01-15T`.
const DAY: usize = 11;

/// The text with each date as milliseconds from `from`. When something was made is left out: nobody
/// decides by it.
pub(crate) fn with_relative_dates(text: &str, from: Ms) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // All dates of this world are of this century.
    while let Some(place) = rest.find("20") {
        let (before, date) = rest.split_at(place);
        out.push_str(before);
        let end = date.find('Z').map_or(0, |end| end + 1);
        let is_date = date.as_bytes().get(DAY - 1) == Some(&b'T');
        match date[..end].parse::<DateTime<Utc>>() {
            Ok(date) if is_date && !before.ends_with("created_at: ") => {
                let _ = write!(out, "{}ms", moment(date) - from);
            }
            Ok(_) if is_date => {}
            _ => {
                out.push_str("20");
                rest = &date[2..];
                continue;
            }
        }
        rest = &date[end..];
    }
    out.push_str(rest);
    out
}

/// The text with ids by the order in which they occur, and each version of a record by how many there
/// were since.
pub(crate) fn with_plain_names(text: &str, version: u64) -> String {
    const VERSION: &str = "version: ";
    let mut out = String::with_capacity(text.len());
    let mut names = BTreeMap::new();
    let mut rest = text;
    while let Some(place) = rest.find(['~', 'v']) {
        let (before, found) = rest.split_at(place);
        out.push_str(before);
        if let Some(id) = found.strip_prefix('~') {
            let end = id.find('~').unwrap_or(id.len());
            let number = names.len();
            let number = *names.entry(&id[..end]).or_insert(number);
            let _ = write!(out, "~{number}");
            rest = id.get(end + 1..).unwrap_or_default();
        } else if let Some(number) = found.strip_prefix(VERSION) {
            let end = number.find(|c: char| !c.is_ascii_digit());
            let (number, after) = number.split_at(end.unwrap_or(number.len()));
            let _ = write!(out, "-{}", version - number.parse().unwrap_or(0));
            rest = after;
        } else {
            out.push('v');
            rest = &found[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::date;

    #[test]
    fn dates_are_told_from_a_moment_on() {
        let text = format!("a 20 {:?} created_at: {:?}, b2027", date(61_500), date(3));
        assert_eq!(
            with_relative_dates(&text, 60_000),
            "a 20 1500ms created_at: , b2027"
        );
    }

    #[test]
    fn names_are_told_by_their_order() {
        let one = "~7.1~ v1 version: 4 ~9.2~ version: 6 ~7.1~";
        let other = "~3.1~ v1 version: 7 ~1.1~ version: 9 ~3.1~";
        let plain = with_plain_names(one, 6);
        assert_eq!(plain, "~0 v1 -2 ~1 -0 ~0");
        assert_eq!(with_plain_names(other, 9), plain);
    }
}
