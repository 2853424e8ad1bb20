//! The connections to AWS, as the kernel has them.

use super::world::World;

/// The timers of the connections that this machine has made to a port: `2` is the one of keep-alive. See
/// <https://docs.kernel.org/networking/proc_net_tcp.html>.
fn timers_of_connections_to(port: u16) -> Vec<String> {
    const ESTABLISHED: &str = "01";
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's sockets");
    let remote = format!(":{port:04X}");
    let lines = sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines.filter(|words| words[2].ends_with(&remote) && words[3] == ESTABLISHED);
    ours.map(|words| words[5].split(':').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_connection_on_which_nobody_speaks_is_kept_alive() {
    let world = World::new().await;
    let port = world.local.url().rsplit(':').next().expect("a port");
    let port = port.trim_end_matches('/').parse().expect("a port");
    let timers = timers_of_connections_to(port);
    assert!(!timers.is_empty(), "connections are kept for the next call");
    assert!(timers.iter().all(|timer| timer == "02"), "{timers:?}");
}
