//! The queue as its consumers see it, on a database in memory and with a clock that is a number.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    QueueNames, Waiters, acknowledge, attributes::Attributes, describe, parse, queue, receive, send,
};
use crate::error::ServiceError;

struct Bench {
    conn: Connection,
    names: QueueNames,
    waiters: Waiters,
    now_ms: i64,
}

const URL: &str = "http://127.0.0.1:4566/000000000000/jobs";

impl Bench {
    /// With a queue `jobs` and its dead-letter queue `dead`.
    fn new(max_receive_count: i64) -> Self {
        let conn = Connection::open_in_memory().expect("a database");
        conn.execute_batch(super::SCHEMA).expect("the schema");
        let names = QueueNames {
            account: "000000000000".to_owned(),
            arn_prefix: "arn:aws:sqs:us-east-1:000000000000:".to_owned(),
            base_url: "http://127.0.0.1:4566".to_owned(),
        };
        let bench = Self {
            conn,
            names,
            waiters: Waiters::default(),
            now_ms: 1_000_000,
        };
        bench.create(&json!({ "QueueName": "dead" }));
        let policy = json!({
            "deadLetterTargetArn": bench.names.arn("dead"),
            "maxReceiveCount": max_receive_count,
        });
        bench.create(&json!({
            "QueueName": "jobs",
            "Attributes": { "RedrivePolicy": policy.to_string(), "MessageRetentionPeriod": "60" },
        }));
        bench
    }

    fn create(&self, request: &Value) {
        let request = parse(request).expect("a request");
        queue::create(&self.conn, &self.names, &request, self.now_ms).expect("a queue");
    }

    fn send(&self, body: &str, delay: i64) {
        let request = json!({ "QueueUrl": URL, "MessageBody": body, "DelaySeconds": delay });
        let request = parse(&request).expect("a request");
        send::send(&self.conn, &self.names, &request, self.now_ms).expect("sent");
    }

    fn take(&self, queue: &str, request: &Value) -> receive::Taken {
        let mut request = request.clone();
        request["QueueUrl"] = json!(self.names.url(queue));
        let request = parse(&request).expect("a request");
        let taken = receive::take(
            &self.conn,
            &self.names,
            &self.waiters,
            &request,
            self.now_ms,
        );
        taken.expect("received")
    }

    fn bodies(&self, queue: &str, visibility: i64) -> Vec<String> {
        let request = json!({ "MaxNumberOfMessages": 10, "VisibilityTimeout": visibility });
        let messages = self.take(queue, &request).messages;
        messages
            .iter()
            .map(|m| m["Body"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    fn change(&self, handle: &Value, timeout: i64) -> Result<(), ServiceError> {
        let request = json!({
            "QueueUrl": URL, "ReceiptHandle": handle, "VisibilityTimeout": timeout,
        });
        let request = parse(&request).expect("a request");
        acknowledge::change_visibility(&self.conn, &self.names, &request, self.now_ms).map(|_| ())
    }

    fn count(&self, queue: &str) -> Value {
        let request = json!({
            "QueueUrl": self.names.url(queue), "AttributeNames": ["ApproximateNumberOfMessages"],
        });
        let request = parse(&request).expect("a request");
        let told = describe::get_attributes(&self.conn, &self.names, &request, self.now_ms);
        told.expect("attributes")["Attributes"]["ApproximateNumberOfMessages"].clone()
    }
}

#[test]
fn a_message_is_received_exactly_as_often_as_allowed() {
    for allowed in [1, 2, 5] {
        let bench = Bench::new(allowed);
        bench.send("m", 0);
        for _ in 0..allowed {
            assert_eq!(bench.bodies("jobs", 0), ["m"]);
            assert!(bench.bodies("dead", 0).is_empty());
        }
        let taken = bench.take("jobs", &json!({}));
        assert!(taken.messages.is_empty() && taken.dead_lettered_to.is_some());
        // The dead-letter queue counts anew, but tells of all receipts.
        let dead = bench
            .take("dead", &json!({ "AttributeNames": ["All"] }))
            .messages;
        let receives = (allowed + 1).to_string();
        assert_eq!(dead[0]["Attributes"]["ApproximateReceiveCount"], receives);
    }
}

#[test]
fn messages_stay_where_they_are_while_the_dead_letter_queue_is_gone() {
    let bench = Bench::new(1);
    bench.send("m", 0);
    bench
        .conn
        .execute("DELETE FROM sqs_queue WHERE name = 'dead'", [])
        .expect("deleted");
    assert_eq!(bench.bodies("jobs", 0), ["m"]);
    assert_eq!(bench.bodies("jobs", 0), ["m"]);
}

#[test]
fn the_longest_visible_come_first_and_the_next_is_announced() {
    let mut bench = Bench::new(9);
    bench.send("third", 2);
    bench.send("first", 0);
    bench.now_ms += 1_000;
    bench.send("second", 0);
    let taken = bench.take(
        "jobs",
        &json!({ "MaxNumberOfMessages": 1, "VisibilityTimeout": 30 }),
    );
    assert_eq!(taken.messages[0]["Body"], "first");
    assert_eq!(taken.next_visible_ms, Some(bench.now_ms + 1_000));
    bench.now_ms += 1_000;
    assert_eq!(bench.bodies("jobs", 30), ["second", "third"]);
    bench.now_ms += 29_000;
    assert_eq!(bench.bodies("jobs", 30), ["first"]);
}

#[test]
fn an_expired_message_is_neither_counted_nor_received_nor_dead_lettered() {
    let mut bench = Bench::new(1);
    bench.send("m", 0);
    assert_eq!(bench.bodies("jobs", 0), ["m"]);
    bench.now_ms += 60_000;
    assert_eq!(bench.count("jobs"), "0");
    assert!(bench.bodies("jobs", 0).is_empty());
    assert!(bench.bodies("dead", 0).is_empty());
}

#[test]
fn only_the_last_receipt_holds_a_message() {
    let bench = Bench::new(9);
    bench.send("m", 0);
    let handle = |visibility| {
        let taken = bench.take("jobs", &json!({ "VisibilityTimeout": visibility }));
        taken.messages[0]["ReceiptHandle"].clone()
    };
    let (old, new) = (handle(0), handle(30));
    assert_eq!(
        bench.change(&old, 0).expect_err("an old handle").code,
        "InvalidParameterValueException"
    );
    assert!(bench.take("jobs", &json!({})).messages.is_empty());
    bench.change(&new, 0).expect("the handle in force");
    assert_eq!(bench.bodies("jobs", 30), ["m"]);
}

#[test]
fn no_more_are_in_flight_than_aws_allows() {
    let bench = Bench::new(9);
    bench.send("m", 0);
    let fill =
        "INSERT INTO sqs_message (queue, message_id, sent_ms, visible_ms, receipt, system, body)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
        SELECT id, 'm', ?1, ?1 + 30000, i, '{}', 'held' FROM n, sqs_queue WHERE name = 'jobs'";
    let held = receive::MAX_IN_FLIGHT;
    bench
        .conn
        .execute(fill, [bench.now_ms, held])
        .expect("held messages");
    let request = json!({ "QueueUrl": URL, "WaitTimeSeconds": 0 });
    let request = parse(&request).expect("a request");
    let short = receive::take(
        &bench.conn,
        &bench.names,
        &bench.waiters,
        &request,
        bench.now_ms,
    );
    assert_eq!(short.err().expect("a refusal").code, "OverLimit");
    assert!(
        bench
            .take("jobs", &json!({ "WaitTimeSeconds": 1 }))
            .messages
            .is_empty()
    );
    bench
        .conn
        .execute("DELETE FROM sqs_message WHERE receipt = 1", [])
        .expect("one less");
    assert_eq!(bench.bodies("jobs", 30), ["m"]);
}

/// Receiving must not depend on how much is waiting: no scan, no sort.
#[test]
fn receiving_walks_an_index() {
    let bench = Bench::new(9);
    let plan = format!("EXPLAIN QUERY PLAN {}", receive::VISIBLE);
    let mut statement = bench.conn.prepare(&plan).expect("a plan");
    let steps = statement
        .query_map([1, 1], |row| row.get::<_, String>(3))
        .expect("steps");
    let steps: Vec<_> = steps.collect::<Result<_, _>>().expect("steps");
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(
        steps[0].contains("USING INDEX sqs_message_visible"),
        "{steps:?}"
    );
}

#[tokio::test]
async fn who_waits_is_woken_and_forgotten() {
    let waiters = Waiters::default();
    let queue = super::QueueId(1);
    let mut first = waiters.subscribe(queue);
    let mut second = waiters.subscribe(queue);
    waiters.wake(super::QueueId(2));
    assert!(!first.has_changed().expect("still listening"));
    waiters.wake(queue);
    first.changed().await.expect("woken");
    second.changed().await.expect("woken");
}

#[test]
fn attributes_are_checked_by_name_and_range() {
    let set = |name: &str, value: &str| {
        let mut attributes = Attributes::default();
        attributes.set(&[(name.to_owned(), value.to_owned())].into())
    };
    for (name, value, code) in [
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("DelaySeconds", "x", "InvalidAttributeValue"),
        (
            "RedrivePolicy",
            r#"{"maxReceiveCount":1}"#,
            "InvalidAttributeValue",
        ),
        ("RedriveAllowPolicy", "{}", "UnsupportedOperation"),
        ("FifoQueue", "true", "UnsupportedOperation"),
        ("Colour", "blue", "InvalidAttributeName"),
    ] {
        assert_eq!(set(name, value).expect_err(name).code, code, "{name}");
    }
    set("VisibilityTimeout", "43200").expect("the highest");
    set("RedrivePolicy", "").expect("removes it");
}
