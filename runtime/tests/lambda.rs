//! Functions under a runtime API, each in a process of its own: this test, started again.

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsMessage};
use lambda_anywhere::conformance::{Reply, RuntimeApi};
use lambda_anywhere::{CancelSignal, Context, Error, Feature, Host, Result, each_message, lambda};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Barrier;
use tokio::time::{sleep, timeout};

const AT_ONCE: usize = 4;
static ALL_HAVE_BEGUN: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(AT_ONCE));

#[derive(Clone)]
struct Cancel(CancelSignal);

impl Context for Cancel {
    type Permission = ();

    fn cancel_signal(&self) -> CancelSignal {
        self.0.clone()
    }

    fn with_cancel_signal(&self, signal: CancelSignal) -> Self {
        Self(signal)
    }
}

static TABLE: [Feature<Cancel>; 2] = [
    Feature::on_queue("meet", "meet", |_, _| {
        Box::pin(async {
            let met = timeout(Duration::from_secs(20), ALL_HAVE_BEGUN.wait()).await;
            met.map_err(|_| Error::transient("the others did not begin"))?;
            Ok(SqsBatchResponse::default())
        })
    }),
    Feature::on_queue("slow", "slow", |cancel, event| {
        Box::pin(async move { each_message(cancel, &event, take_a_while).await })
    }),
];

/// What a function of these tests writes when its figures and traces are to be flushed.
const FLUSHED: &str = "flushed";

/// How long each message takes.
const A_WHILE: Duration = Duration::from_millis(1_200);

async fn take_a_while(_: Cancel, _: &SqsMessage) -> Result<()> {
    sleep(A_WHILE).await;
    Ok(())
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let handler = std::env::var("_HANDLER").expect("a handler");
        let host = Host::new(Cancel(CancelSignal::never()), &TABLE);
        let flush = || println!("{FLUSHED}");
        let ended = runtime.block_on(lambda::serve_runtime_api(host, &handler, flush));
        return if ended.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let runtime = std::sync::Arc::new(runtime);
    let trial = |name: &str, test: fn(&tokio::runtime::Runtime)| {
        let runtime = std::sync::Arc::clone(&runtime);
        Trial::test(name, move || {
            test(&runtime);
            Ok::<_, Failed>(())
        })
    };
    let trials = vec![
        trial(
            "several_invocations_run_at_once_in_one_process",
            |runtime| {
                runtime.block_on(several_at_once());
            },
        ),
        trial("a_batch_is_answered_before_its_deadline", |runtime| {
            runtime.block_on(answered_in_time());
        }),
        trial("a_function_that_cannot_begin_says_so", |runtime| {
            runtime.block_on(init_error());
        }),
        trial("figures_and_traces_are_flushed_at_the_end", |runtime| {
            runtime.block_on(flushed_at_the_end());
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The replies of a function to these events.
async fn replies(
    handler: &str,
    events: &[Value],
    deadline: Duration,
    at_once: usize,
) -> Vec<Reply> {
    let api = RuntimeApi::serve(events, deadline).await.expect("a port");
    let program = Command::new(std::env::current_exe().expect("this test"));
    let function = api.start_function(program, handler, at_once);
    let mut function = function.expect("this test once more");
    let replies = timeout(Duration::from_secs(30), api.replies(events.len())).await;
    function.kill().await.expect("its end");
    replies.expect("replies in time")
}

/// Four events of which none can be handled before all have begun: managed concurrency.
async fn several_at_once() {
    let events = vec![json!({ "Records": [] }); AT_ONCE];
    let replies = replies("meet", &events, Duration::from_secs(30), AT_ONCE).await;
    let expected = Reply::Response(json!({ "batchItemFailures": [] }));
    assert_eq!(replies, vec![expected; AT_ONCE]);
}

/// Lambda would kill the function at its deadline, and bring back what is done as well.
async fn answered_in_time() {
    let record = |id: &str| {
        json!({
            "messageId": id, "receiptHandle": id, "body": "", "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:slow",
        })
    };
    let records = ["m1", "m2", "m3", "m4"].map(record);
    let event = json!({ "Records": records });
    let deadline = Duration::from_secs(2);
    let began = Instant::now();
    let replies = replies("slow", &[event], deadline, 1).await;
    // The process has its own start before the event is taken.
    assert!(began.elapsed() < 3 * deadline, "{:?}", began.elapsed());
    let failures = ["m2", "m3", "m4"].map(|id| json!({ "itemIdentifier": id }));
    let expected = Reply::Response(json!({ "batchItemFailures": failures }));
    assert_eq!(replies, [expected]);
}

async fn init_error() {
    let replies = replies("nobody", &[json!({})], Duration::from_secs(5), 1).await;
    let [Reply::Error(error)] = replies.as_slice() else {
        panic!("{replies:?}");
    };
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("\"nobody\""), "{error}");
}

/// After the only event, and at the end of the environment.
async fn flushed_at_the_end() {
    let events = [json!({ "Records": [] })];
    let api = RuntimeApi::serve(&events, Duration::from_secs(30)).await;
    let api = api.expect("a port");
    let program = Command::new(std::env::current_exe().expect("this test"));
    let function = api.start_function(program, "slow", 1).expect("this test");
    let replies = timeout(Duration::from_secs(30), api.replies(1)).await;
    replies.expect("a reply in time");
    let (output, ended_well) = api.shut_down(function).await.expect("its output");
    let lines = output.lines().filter(|line| *line == FLUSHED);
    assert_eq!((lines.count(), ended_well), (2, true), "{output}");
}
