//! How an adapter calls a handler: the same few steps whatever feeds it.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};

use crate::{
    Caller, Context, Error, Feature, Reply, Request, RequestId, Response, Route, Trigger,
    each_message, envelope, problem,
};

/// Calls an HTTP feature's handler: checks who may, and turns an error into its problem
/// document. Every error but the caller's own is logged, once, here.
pub async fn dispatch_http<C: Context>(
    route: &Route<C>,
    context: &C,
    request: Request,
) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.clone());
    let outcome = match route.access.check(request.extensions().get::<Caller>()) {
        Ok(()) => (route.handle)(context, request).await,
        Err(error) => Err(error),
    };
    let mut response = outcome.unwrap_or_else(|error| {
        if !matches!(error, Error::Rejected { .. }) {
            tracing::error!(request_id = id, path = route.path, %error, "a request failed");
        }
        problem::response(&error, &id)
    });
    problem::seal(&mut response, &id);
    response
}

/// Calls a feature with messages of a queue; for one over SNS or S3 events the envelopes come
/// off, message by message.
///
/// # Errors
/// When the whole batch must come back, or the feature takes no messages.
pub fn dispatch_messages<'a, C: Context>(
    feature: &'a Feature<C>,
    context: &'a C,
    event: SqsEvent,
) -> Reply<'a, SqsBatchResponse> {
    match feature.trigger {
        Trigger::Http(_) | Trigger::Schedule { .. } => {
            let error = Error::permanent(format!("{} takes no messages", feature.name));
            Box::pin(async { Err(error) })
        }
        Trigger::Sqs { handle, .. } => handle(context, event),
        Trigger::Sns { handle, .. } => Box::pin(async move {
            each_message(context, &event, |context, message| async move {
                let event = envelope::sns_event(message);
                for record in &event.records {
                    envelope::refuse_pointer(&record.sns.message)?;
                }
                handle(&context, event).await
            })
            .await
        }),
        Trigger::S3 { handle, .. } => Box::pin(async move {
            each_message(context, &event, |context, message| async move {
                match envelope::s3_event(message.body.as_deref().unwrap_or_default())? {
                    Some(event) => handle(&context, event).await,
                    None => Err(Error::permanent("the message is not an S3 event")),
                }
            })
            .await
        }),
    }
}
