//! The connections of a listener: how many there may be, and which of them makes room for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::connection::Waiting;
use crate::client::Client;

/// The connections that are open.
pub(super) struct OpenConnections {
    most: usize,
    most_of_a_client: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Open>,
    of_clients: HashMap<Client, usize>,
    next: u64,
}

struct Open {
    client: Client,
    waiting: Waiting,
    close: CancellationToken,
}

/// One connection's place, until it is dropped.
pub(super) struct Place {
    all: Arc<OpenConnections>,
    number: u64,
    pub(super) waiting: Waiting,
    /// The connection is to make room.
    pub(super) close: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.state().remove(self.number);
    }
}

impl State {
    fn remove(&mut self, number: u64) -> Option<Open> {
        let open = self.open.remove(&number)?;
        if let Some(count) = self.of_clients.get_mut(&open.client) {
            *count -= 1;
            if *count == 0 {
                self.of_clients.remove(&open.client);
            }
        }
        Some(open)
    }

    /// Closes the connection whose client has been waited for the longest, among those of `client` or
    /// among all. False: a request is being answered on each.
    fn make_room(&mut self, client: Option<Client>) -> bool {
        let waiting = self.open.iter().filter_map(|(number, open)| {
            let wanted = client.is_none_or(|client| client == open.client);
            let since = open.waiting.since().filter(|_| wanted)?;
            Some((since, *number))
        });
        let longest = waiting.min();
        let open = longest.and_then(|(_, number)| self.remove(number));
        if let Some(open) = &open {
            open.close.cancel();
        }
        open.is_some()
    }
}

impl OpenConnections {
    pub(super) fn new(most: usize, most_of_a_client: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_of_a_client,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection. Where there are too many, one on which nothing is being answered makes
    /// room; `None` where there is none such.
    pub(super) fn take(self: &Arc<Self>, client: Client) -> Option<Place> {
        let mut state = self.state();
        let of_client = state.of_clients.get(&client).copied().unwrap_or(0);
        let has_room = if of_client >= self.most_of_a_client {
            state.make_room(Some(client))
        } else {
            state.open.len() < self.most || state.make_room(None)
        };
        if !has_room {
            return None;
        }
        let number = state.next;
        state.next += 1;
        let (waiting, close) = (Waiting::new(), CancellationToken::new());
        let open = Open {
            client,
            waiting: waiting.clone(),
            close: close.clone(),
        };
        state.open.insert(number, open);
        *state.of_clients.entry(client).or_default() += 1;
        Some(Place {
            all: Arc::clone(self),
            number,
            waiting,
            close,
        })
    }

    /// Closes a connection on which nothing is being answered, because the process can open no more.
    pub(super) fn make_room(&self) -> bool {
        self.state().make_room(None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn client(last: u8) -> Client {
        Client::new([192, 0, 2, last].into())
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_waited_for_longest_makes_room_first_at_the_client_that_has_too_many() {
        let all = OpenConnections::new(3, 2);
        let mut places = Vec::new();
        for last in [1, 1, 2] {
            places.push(all.take(client(last)).expect("a place"));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        places[0].waiting.answering();
        let third = all.take(client(1)).expect("a place");
        let closed = |places: &[Place]| {
            let closed = places.iter().map(|place| place.close.is_cancelled());
            closed.collect::<Vec<_>>()
        };
        assert_eq!(closed(&places), [false, true, false], "its own, and idle");
        let _fourth = all.take(client(3)).expect("a place");
        assert_eq!(closed(&places), [false, true, true], "the idle one of all");
        third.waiting.answering();
        assert!(all.take(client(1)).is_none(), "all of its are at work");
        places[0].waiting.answered();
        assert!(all.take(client(1)).is_some());
        assert_eq!(closed(&places), [true, true, true]);
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_connection_ends() {
        let all = OpenConnections::new(1, 1);
        for _ in 0..3 {
            let place = all.take(client(1)).expect("a place");
            place.waiting.answering();
            assert!(all.take(client(2)).is_none());
        }
        assert!(all.state().of_clients.is_empty());
    }
}
