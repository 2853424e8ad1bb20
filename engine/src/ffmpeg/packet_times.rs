//! When packets are shown, as ffmpeg's muxer `framecrc` writes it, a line each.
//!
//! ```text
//! #tb 0: 1/90000
//! 0,       3600,       7200,     3600,     1234, 0x91c2e5a3
//! 0,       7200,      14400,     3600,      234, 0x5a391c2e, F=0x0
//! ```
//!
//! Flags stand behind what is no keyframe, or is one with further flags.

/// Nanoseconds of a second.
const NANOS: i128 = 1_000_000_000;

/// At most so many keyframes are kept: those of a film in which each picture is one.
const MAX_KEYS: usize = 1_000_000;

/// When the last packets of a stream are shown, and when its keyframes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PacketTimes {
    /// How long a tick is, in seconds.
    base: Option<(i64, i64)>,
    /// The latest time, and the one before it, in ticks.
    latest: Option<i64>,
    before: Option<i64>,
    /// The keyframes, in the order in which they are decoded, in ticks.
    keys: Vec<i64>,
}

impl PacketTimes {
    /// Takes in one line; those of other kinds are passed over.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(base) = line.strip_prefix("#tb 0: ") {
            let base = base.split_once('/');
            self.base = base.and_then(|(num, den)| Some((num.parse().ok()?, den.parse().ok()?)));
        } else if let Some(packet) = line.strip_prefix("0, ") {
            let time = packet
                .split(',')
                .nth(1)
                .and_then(|time| time.trim().parse().ok());
            let Some(time) = time else {
                return;
            };
            self.packet(time);
            if is_key(packet) && self.keys.len() < MAX_KEYS {
                self.keys.push(time);
            }
        }
    }

    fn packet(&mut self, time: i64) {
        if self.latest.is_none_or(|latest| time > latest) {
            self.before = self.latest;
            self.latest = Some(time);
        } else if self.latest != Some(time) && self.before.is_none_or(|before| time > before) {
            self.before = Some(time);
        }
    }

    /// When the last of the packets begins, and how long the one before it was shown, in nanoseconds.
    pub(crate) fn last(&self) -> Option<(i64, i64)> {
        let latest = self.nanos(self.latest?)?;
        let gap = match self.before {
            Some(before) => latest - self.nanos(before)?,
            None => 0,
        };
        Some((latest, gap))
    }

    /// When the keyframes begin, in nanoseconds, in the order in which they are shown.
    pub(crate) fn keys(&self) -> Vec<i64> {
        let keys = self.keys.iter().filter_map(|&ticks| self.nanos(ticks));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys
    }

    fn nanos(&self, ticks: i64) -> Option<i64> {
        let (num, den) = self.base?;
        let nanos = i128::from(ticks) * i128::from(num) * NANOS;
        i64::try_from(nanos.checked_div(den.into())?).ok()
    }
}

/// Whether a line is of a keyframe.
fn is_key(packet: &str) -> bool {
    let flags = packet.split(", F=0x").nth(1);
    let flags = flags.map(|flags| flags.split(',').next().unwrap_or_default().trim());
    flags.is_none_or(|flags| u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_are_known_in_whatever_order_they_come() {
        let mut times = PacketTimes::default();
        let lines = [
            "#software: Lavf59.27.100",
            "#tb 0: 1/25",
            "#dimensions 0: 320x180",
            "0,          0,          0,        1,     9999, 0x1",
            "0,          1,          4,        1,      100, 0x2, F=0x0",
            "0,          2,          2,        1,      100, 0x3, F=0x8",
            "0,          3,          3,        1,      100, 0x4, F=0x5, S=1, 8, 0x1",
            "0,          4,      NOPTS,        1,      100, 0x4",
            "0, what",
        ];
        for line in lines {
            times.line(line);
        }
        assert_eq!(times.last(), Some((160_000_000, 40_000_000)));
        assert_eq!(times.keys(), [0, 120_000_000]);
        assert_eq!(PacketTimes::default().last(), None);
    }
}
