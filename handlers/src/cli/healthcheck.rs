//! `fotograma healthcheck`: whether servers on this machine are ready; for a container's engine,
//! which finds no shell and no curl in the image.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use clap::Args;
use fotograma_core::features::SERVICES;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::serve;
use crate::config::duration;

#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// Addresses that must answer 200; by default /readyz of each service that listens, of which
    /// there must be one
    #[arg(value_name = "URL")]
    urls: Vec<Uri>,
    /// The port of auth-service; the other services follow in order
    #[arg(long, env = "FOTOGRAMA_HTTP_PORT_BASE", default_value_t = 8001)]
    http_port_base: u16,
    /// How long an answer may take
    #[arg(long, default_value = "3s", value_parser = duration)]
    timeout: Duration,
}

pub(super) async fn check_health(args: HealthcheckArgs) -> Result<ExitCode> {
    if args.urls.is_empty() {
        let ports = SERVICES
            .iter()
            .map(|service| serve::port(args.http_port_base, service.name));
        let ports: Vec<u16> = ports.collect::<Result<_>>()?;
        check_ports(&ports, args.timeout).await?;
    }
    for url in &args.urls {
        let stream = connect(url, args.timeout).await?;
        check(stream, url, args.timeout).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks at every one of `ports` that somebody listens on.
async fn check_ports(ports: &[u16], timeout: Duration) -> Result<()> {
    let mut listening = 0;
    for port in ports {
        let url: Uri = format!("http://127.0.0.1:{port}/readyz").parse()?;
        // A container runs some of the services: nobody listening is no fault.
        if let Ok(stream) = connect(&url, timeout).await {
            check(stream, &url, timeout).await?;
            listening += 1;
        }
    }
    ensure!(listening > 0, "no service listens on this machine");
    Ok(())
}

async fn connect(url: &Uri, timeout: Duration) -> Result<TcpStream> {
    let host = url.host().with_context(|| format!("{url} names no host"))?;
    ensure!(url.scheme_str() == Some("http"), "{url} is not http");
    let port = url.port_u16().unwrap_or(80);
    let connecting = TcpStream::connect((host, port));
    let connected = tokio::time::timeout(timeout, connecting).await;
    connected
        .with_context(|| format!("{url} takes too long"))?
        .with_context(|| format!("{url} cannot be reached"))
}

/// Whether `url` answers 200.
async fn check(stream: TcpStream, url: &Uri, timeout: Duration) -> Result<()> {
    let asking = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Ends by itself when the sender is dropped.
        tokio::spawn(connection);
        let request = Request::get(url.path_and_query().map_or("/", |path| path.as_str()))
            .header(
                header::HOST,
                url.authority().map_or("", |host| host.as_str()),
            )
            .body(Empty::<Bytes>::new())?;
        anyhow::Ok(sender.send_request(request).await?.status())
    };
    let answer = tokio::time::timeout(timeout, asking).await;
    let status = answer
        .with_context(|| format!("{url} takes too long"))?
        .with_context(|| format!("{url} does not answer"))?;
    if status != StatusCode::OK {
        bail!("{url} answers {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// A server that answers one request with `answer`, and tells its address.
    async fn answering(answer: &'static str) -> Uri {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            // Until the caller has hung up.
            let _ = stream.read(&mut head).await;
        });
        format!("http://{address}/readyz").parse().expect("a URL")
    }

    /// A port that nobody listens on, as long as the socket is held.
    fn silent_port() -> (TcpSocket, u16) {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = "127.0.0.1:0".parse().expect("an address");
        socket.bind(any).expect("a port");
        let port = socket.local_addr().expect("an address").port();
        (socket, port)
    }

    const READY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    const STOPPING: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

    async fn asking(url: Uri) -> Result<ExitCode> {
        check_health(HealthcheckArgs {
            urls: vec![url],
            http_port_base: 8001,
            timeout: Duration::from_millis(500),
        })
        .await
    }

    #[tokio::test]
    async fn a_server_that_answers_200_is_healthy() {
        asking(answering(READY).await).await.expect("healthy");
    }

    #[tokio::test]
    async fn one_that_stops_or_is_silent_or_is_not_there_is_not() {
        let (_held, port) = silent_port();
        let nobody = format!("http://127.0.0.1:{port}/").parse().expect("a URL");
        for (url, wrong) in [
            (answering(STOPPING).await, "answers 503"),
            (answering("").await, "takes too long"),
            (nobody, "cannot be reached"),
        ] {
            let error = asking(url).await.expect_err("not healthy");
            assert!(format!("{error:#}").contains(wrong), "{error:#}");
        }
    }

    #[tokio::test]
    async fn services_that_listen_are_asked_and_the_others_passed_over() {
        let second = Duration::from_secs(1);
        let (_held, silent) = silent_port();
        let ready = answering(READY).await.port_u16().expect("a port");
        let stopping = answering(STOPPING).await.port_u16().expect("a port");
        check_ports(&[silent, ready], second)
            .await
            .expect("healthy");
        assert!(check_ports(&[silent], second).await.is_err());
        assert!(check_ports(&[silent, stopping], second).await.is_err());
    }
}
