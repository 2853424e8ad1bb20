//! An HTTP function, as for `lambda_http`.

use lambda_anywhere::{Feature, Host, standalone};
use lambda_http::{Body, Error, Request, RequestExt, Response, http::Method};

async fn function_handler(event: Request) -> Result<Response<Body>, Error> {
    let parameters = event.query_string_parameters();
    let who = parameters.first("name").unwrap_or("world");
    let greeting = tokio::fs::read_to_string("greeting.txt").await;
    let greeting = greeting.unwrap_or_else(|_| "Hello".to_owned());
    let response = Response::builder()
        .status(200)
        .header("content-type", "text/html")
        .body(format!("{greeting} {who}, this is an AWS Lambda HTTP request").into())?;
    Ok(response)
}

pub(crate) const HI: Feature<()> = Feature::on_request("hi", Method::GET, "/", |(), event| {
    Box::pin(async { Ok(function_handler(event).await?) })
});
static TABLE: [Feature<()>; 1] = [HI];

#[tokio::main]
async fn main() -> Result<(), Error> {
    Ok(standalone::run(Host::new((), &TABLE)).await?)
}
