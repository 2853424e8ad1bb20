//! Users who send their videos while something is away, and who ask again until they are told yes.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use fotograma::aws::provision::DEMO_USER;
use lambda_anywhere::server::{Probes, ServeOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::http::try_http;
use crate::world::World;

/// How long users wait before they ask again, and for an answer.
const AGAIN: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(2);

/// The servers that users talk to.
pub(crate) struct Front {
    auth: String,
    uploader: String,
    /// They end with it.
    _serving: JoinSet<()>,
}

impl Front {
    pub(crate) async fn serve(world: &World) -> Self {
        let mut serving = JoinSet::new();
        let mut urls = Vec::new();
        for service in ["auth-service", "video-uploader"] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            urls.push(format!(
                "http://{}",
                listener.local_addr().expect("an address")
            ));
            let options = ServeOptions::default();
            let probes = Probes::default();
            let server = world.system.server(service, false, probes, 512, options);
            serving.spawn(server.serve_until(listener, CancellationToken::new()));
        }
        let uploader = urls.pop().expect("two");
        Self {
            auth: urls.pop().expect("two"),
            uploader,
            _serving: serving,
        }
    }

    /// The demo user's access token.
    pub(crate) async fn log_in(&self) -> String {
        let (username, password, _) = DEMO_USER;
        let body = json!({ "username": username, "password": password });
        let url = format!("{}/auth/login", self.auth);
        let answer = ask_until_told(&url, None, &body).await;
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    /// Registers a video, sends it and says so; gives its id.
    pub(crate) async fn upload(&self, token: &str, filename: &str, clip: &Arc<[u8]>) -> String {
        let registration = json!({
            "filename": filename, "content_type": "video/mp4", "size": clip.len(), "every": "1s"
        });
        let url = format!("{}/uploads", self.uploader);
        let upload = ask_until_told(&url, Some(token), &registration).await;
        let headers: Vec<(String, String)> = upload["headers"]
            .as_object()
            .expect("headers")
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let put_url = upload["url"].as_str().expect("an address");
        loop {
            let put = try_http("PUT", put_url, &headers, SdkBody::from(clip.to_vec()));
            // The store's answer is its own: of a store that is down, it is no word about the file.
            if let Ok(Some(answer)) = tokio::time::timeout(PATIENCE, put).await
                && answer.status() == 200
            {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        let id = upload["video_id"].as_str().expect("an id").to_owned();
        let url = format!("{}/uploads/{id}/complete", self.uploader);
        ask_until_told(&url, Some(token), &json!({})).await;
        id
    }
}

/// Posts until the answer is a yes. A fault of ours must be told as one: any other refusal would be taken
/// for the user's.
async fn ask_until_told(url: &str, token: Option<&str>, body: &Value) -> Value {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    loop {
        let asked = try_http("POST", url, &headers, body.to_string());
        if let Ok(Some(answer)) = tokio::time::timeout(PATIENCE, asked).await {
            let said = String::from_utf8_lossy(answer.body()).into_owned();
            match answer.status().as_u16() {
                200..300 => return serde_json::from_str(&said).expect("JSON"),
                500..600 => {}
                status => panic!("{url}: {status} {said}"),
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}
