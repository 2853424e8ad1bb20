//! What consumers of a queue share: when to begin, and what they saw.
//!
//! A consumer says `ready` on standard output, begins when a line comes on standard input, and
//! ends when that is closed, with the delays from sent to handled, in milliseconds, as JSON. The
//! body of a message is when it was sent, in milliseconds since 1970.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin};

/// The delays of what was handled.
#[derive(Debug, Default)]
pub struct Delays(Mutex<Vec<f64>>);

impl Delays {
    /// A message has been handled now.
    pub fn handled(&self, body: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs_f64() * 1_000.0;
        if let Ok(sent) = body.parse::<f64>() {
            let mut delays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            delays.push(now - sent);
        }
    }

    /// Tells them.
    pub fn print(&self) {
        let delays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{}", serde_json::json!(*delays));
    }
}

/// The one who measures.
pub struct Master(Lines<BufReader<Stdin>>);

impl Master {
    /// Says that all is ready, and waits for the word to begin.
    ///
    /// # Errors
    /// When standard input cannot be read.
    pub async fn ready() -> std::io::Result<Self> {
        println!("ready");
        let mut lines = BufReader::new(stdin()).lines();
        lines.next_line().await?;
        Ok(Self(lines))
    }

    /// Waits for the word to end.
    ///
    /// # Errors
    /// When standard input cannot be read.
    pub async fn over(mut self) -> std::io::Result<()> {
        while self.0.next_line().await?.is_some() {}
        Ok(())
    }
}
