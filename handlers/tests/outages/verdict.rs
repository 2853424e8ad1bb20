//! What must have become of the videos.

use aws_sdk_sqs::types::QueueAttributeName;
use fotograma_core::domain::Status;
use fotograma_core::features::TABLE;
use fotograma_core::features::resources::queues;
use serde_json::Value;

use crate::http::http;
use crate::world::World;

/// A video, and who is mailed about it under which title.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) video_id: String,
    pub(crate) title: String,
    pub(crate) email: String,
}

/// Whether all is done that is to be done.
pub(crate) async fn is_over(world: &World, expected: &[Expected]) -> bool {
    for video in expected {
        let known = world.system.host.context.videos.get(&video.video_id).await;
        let known = known.expect("an answer");
        if !known.is_some_and(|video| video.status == Status::Done && !video.unpublished) {
            return false;
        }
        if mails(world, video).await.is_empty() {
            return false;
        }
    }
    messages(world).await.iter().all(|(_, count)| *count == 0)
}

/// Panics unless all has ended well, and was told once.
pub(crate) async fn judge(world: &World, expected: &[Expected]) {
    let app = &world.system.host.context;
    for video in expected {
        let known = app.videos.get(&video.video_id).await.expect("an answer");
        let known = known.expect("a record");
        assert_eq!(
            (known.status, known.unpublished, known.reason.as_deref()),
            (Status::Done, false, None),
            "{video:?}"
        );
        let zip = app.objects.head(&known.zip_key()).await.expect("an answer");
        assert!(zip.is_some_and(|zip| zip.size > 0), "{video:?}: no zip");
        let mails = mails(world, video).await;
        assert_eq!(mails.len(), 1, "{video:?}: {mails:?}");
        assert!(mails[0].contains("Your frames are ready"), "{mails:?}");
    }
    for (queue, count) in messages(world).await {
        assert_eq!(count, 0, "messages are left in {queue}");
    }
}

/// The subjects of the mails about a video.
async fn mails(world: &World, video: &Expected) -> Vec<String> {
    let url = format!(
        "{}/_local/mail?to={}&limit=1000",
        world.local.url(),
        video.email
    );
    let answer = http("GET", &url, &[], "").await;
    let mails: Value = serde_json::from_slice(answer.body()).expect("JSON");
    let mails = mails.as_array().or_else(|| mails["mails"].as_array());
    let subjects = mails.expect("mails").iter();
    subjects
        .filter_map(|mail| mail["subject"].as_str())
        .filter(|subject| subject.contains(&video.title))
        .map(str::to_owned)
        .collect()
}

/// How many messages each queue has, seen, hidden and delayed.
async fn messages(world: &World) -> Vec<(String, u32)> {
    let mut counts = Vec::new();
    for queue in queues(TABLE) {
        for name in [queue.name, queue.dead_letters.as_str()] {
            let aws = &world.system.aws;
            let url = aws.queue_url(name).await.expect("a queue");
            let wanted = [
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
                QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            ];
            let asked = aws.sqs().get_queue_attributes().queue_url(url);
            let asked = asked.set_attribute_names(Some(wanted.to_vec())).send();
            let told = asked.await.expect("an answer").attributes.expect("counts");
            let count = |name| told.get(name).and_then(|count| count.parse::<u32>().ok());
            let count = wanted
                .iter()
                .map(|name| count(name).expect("a count"))
                .sum();
            counts.push((name.to_owned(), count));
        }
    }
    counts
}
