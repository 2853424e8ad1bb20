//! Chance, all of it from the seed.
//!
//! Nothing is drawn from a stream: what happens to a call is a function of the seed and of what
//! the call is. So a plan with one trouble less still treats all other calls as before, and a
//! violation can be shrunk.

/// A place from which chances branch off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// A branch, by number.
    pub(crate) fn at(self, number: u64) -> Self {
        Self(mix(self.0 ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// A branch, by name: FNV-1a.
    pub(crate) fn named(self, name: &str) -> Self {
        let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        self.at(hash)
    }

    /// What tells this place from others.
    pub(crate) fn key(self) -> u64 {
        self.0
    }

    /// A number below `end`.
    pub(crate) fn below(self, end: u64) -> u64 {
        mix(self.0 ^ 0xD6E8_FEB8_6659_FD93) % end.max(1)
    }

    /// A number from `low` up to, and without, `high`.
    pub(crate) fn between(self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low).unwrap_or(1);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True in so many of a thousand cases.
    pub(crate) fn per_mille(self, cases: u32) -> bool {
        self.below(1_000) < u64::from(cases)
    }
}

/// The finaliser of `SplitMix64`.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
