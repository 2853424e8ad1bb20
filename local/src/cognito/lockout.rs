//! Lockout: who guesses passwords has to wait, longer each time.
//!
//! From "Lockout behavior for failed sign-in attempts" in the developer guide: after five failures
//! a user is locked for a second, and for twice as long after each further one, up to about a
//! quarter of an hour. An attempt while locked changes nothing. A success, or a quarter of an hour
//! without any attempt, forgives all.

use rusqlite::{Connection, OptionalExtension, params};

use super::error;
use super::user::User;
use crate::error::ServiceError;

const FREE_FAILURES: u32 = 5;
const LONGEST_MS: i64 = 15 * 60_000;

/// The failures of a user that still count.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    locked_until_ms: i64,
}

impl Failures {
    fn of(conn: &Connection, user: &User, now_ms: i64) -> Result<Self, ServiceError> {
        let row = conn
            .prepare_cached(
                "SELECT count, locked_until_ms FROM cognito_failure WHERE sub = ? AND last_ms > ?",
            )?
            .query_row(params![user.sub, now_ms - LONGEST_MS], |row| {
                Ok(Self {
                    count: row.get(0)?,
                    locked_until_ms: row.get(1)?,
                })
            })
            .optional()?;
        Ok(row.unwrap_or_default())
    }

    fn locked_at(self, now_ms: i64) -> bool {
        self.locked_until_ms > now_ms
    }

    /// With one more failure.
    fn next(self, now_ms: i64) -> Self {
        let count = self.count.saturating_add(1);
        let locked_ms = match count.checked_sub(FREE_FAILURES) {
            None => 0,
            Some(beyond) => 1_000_i64
                .checked_shl(beyond.min(20))
                .unwrap_or(LONGEST_MS)
                .min(LONGEST_MS),
        };
        Self {
            count,
            locked_until_ms: now_ms + locked_ms,
        }
    }
}

/// # Errors
/// The user is locked, whatever the password.
pub(super) fn check(conn: &Connection, user: &User, now_ms: i64) -> Result<(), ServiceError> {
    if Failures::of(conn, user, now_ms)?.locked_at(now_ms) {
        return Err(error::not_authorized("Password attempts exceeded"));
    }
    Ok(())
}

/// Counts a wrong password, or forgives all for a right one. The lock is looked at again: many
/// guesses at once must not get past it together.
pub(super) fn record(
    conn: &Connection,
    user: &User,
    fits: bool,
    now_ms: i64,
) -> Result<(), ServiceError> {
    check(conn, user, now_ms)?;
    if fits {
        conn.prepare_cached("DELETE FROM cognito_failure WHERE sub = ?")?
            .execute([&user.sub])?;
        return Ok(());
    }
    let failures = Failures::of(conn, user, now_ms)?.next(now_ms);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO cognito_failure (sub, count, locked_until_ms, last_ms)
         VALUES (?, ?, ?, ?)",
    )?
    .execute(params![
        user.sub,
        failures.count,
        failures.locked_until_ms,
        now_ms
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_the_fifth_failure_on() {
        let mut failures = Failures::default();
        let mut waits = Vec::new();
        for _ in 0..40 {
            failures = failures.next(0);
            waits.push(failures.locked_until_ms);
        }
        assert_eq!(waits[..8], [0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
        assert!(waits.is_sorted() && waits[39] == LONGEST_MS);
        assert!(failures.locked_at(LONGEST_MS - 1) && !failures.locked_at(LONGEST_MS));
    }
}
