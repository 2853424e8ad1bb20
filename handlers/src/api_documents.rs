//! What each server tells of the API: `/openapi.json`, `/problems`, and `/docs` where developers are.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result};
use fotograma_core::features::problems::PROBLEMS;
use lambda_anywhere::server::Document;
use serde_json::{Value, json};

/// The document as it is in the repository, where a test holds it to the types.
const OPENAPI: &str = include_str!("../../core/openapi.json");

/// Pages that run nothing and load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// Where clients reach the services.
#[derive(Debug, Clone)]
pub enum ApiServers {
    /// One address before all of them.
    One(String),
    /// An address for each, by the service's name.
    Each(Vec<(&'static str, String)>),
}

/// The documents that every server has, and with `with_docs` the one for developers.
///
/// # Errors
/// When the document in the repository is none.
pub fn documents(servers: &ApiServers, with_docs: bool) -> Result<Vec<Document>> {
    let mut openapi: Value = serde_json::from_str(OPENAPI).context("core/openapi.json")?;
    name_servers(&mut openapi, servers);
    let document = |path, content_type, text: String| Document {
        path,
        content_type,
        policy: POLICY,
        text: Arc::from(text),
    };
    let mut documents = vec![
        document("/openapi.json", "application/json", openapi.to_string()),
        document("/problems", HTML, problems_page()),
    ];
    if with_docs {
        documents.push(document("/docs", HTML, docs_page(&openapi)));
    }
    Ok(documents)
}

/// Puts the real addresses in the place of those of a developer's machine.
fn name_servers(openapi: &mut Value, servers: &ApiServers) {
    let first = match servers {
        ApiServers::One(url) => Some(url.as_str()),
        ApiServers::Each(urls) => urls.first().map(|(_, url)| url.as_str()),
    };
    openapi["servers"] = json!([{ "url": first.unwrap_or("/") }]);
    let Some(paths) = openapi["paths"].as_object_mut() else {
        return;
    };
    for path in paths.values_mut().filter_map(Value::as_object_mut) {
        let service = path["servers"][0]["description"]
            .as_str()
            .unwrap_or_default();
        match servers {
            ApiServers::One(_) => {
                path.remove("servers");
            }
            ApiServers::Each(urls) => {
                if let Some((name, url)) = urls.iter().find(|(name, _)| *name == service) {
                    path["servers"] = json!([{ "url": url, "description": name }]);
                }
            }
        }
    }
}

/// All kinds of problems, each at the place that its `type` names.
fn problems_page() -> String {
    let mut body = String::from(
        "<p>A problem is an <code>application/problem+json</code> document (RFC 9457). Its <code>type</code> \
         leads here, <code>detail</code> is a sentence for people, <code>field</code> names the field at fault \
         where there is one, and <code>request_id</code> is what to tell the operator.</p>\n<dl>\n",
    );
    for kind in PROBLEMS {
        let (name, status, about) = (kind.name, kind.status, escaped(kind.about));
        let _ = writeln!(
            body,
            "<dt id=\"{name}\"><code>{name}</code> {status}</dt><dd>{about}</dd>"
        );
    }
    page("Problems", &format!("{body}</dl>\n"))
}

/// The API for people, made of the document.
fn docs_page(openapi: &Value) -> String {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let mut body = String::new();
    for paragraph in text(&openapi["info"]["description"]).split("\n\n") {
        let _ = writeln!(body, "<p>{paragraph}</p>");
    }
    body.push_str(
        "<p><a href=\"/openapi.json\">openapi.json</a>, <a href=\"/problems\">problems</a></p>\n",
    );
    for tag in openapi["tags"].as_array().into_iter().flatten() {
        let (name, about) = (text(&tag["name"]), text(&tag["description"]));
        let _ = writeln!(body, "<h2 id=\"{name}\">{name}</h2>\n<p>{about}</p>");
        for (path, methods) in openapi["paths"].as_object().into_iter().flatten() {
            let methods = methods.as_object().into_iter().flatten();
            for (method, operation) in methods.filter(|(_, of)| of["tags"][0] == tag["name"]) {
                write_operation(&mut body, method, path, operation);
            }
        }
    }
    body.push_str("<h2 id=\"schemas\">Schemas</h2>\n");
    let schemas = openapi["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        write_json(&mut body, name, schema);
    }
    page("fotograma's API", &body)
}

fn write_operation(body: &mut String, method: &str, path: &str, operation: &Value) {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let _ = writeln!(
        body,
        "<section>\n<h3 id=\"{id}\">{method} <code>{path}</code></h3>\n<p>{summary}.</p>",
        id = text(&operation["operationId"]),
        method = method.to_uppercase(),
        path = escaped(path),
        summary = text(&operation["summary"]),
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let about = text(&parameter["description"]);
        let _ = writeln!(body, "<p><code>{name}</code> ({place}): {about}</p>");
    }
    for (kind, content) in operation["requestBody"]["content"]
        .as_object()
        .into_iter()
        .flatten()
    {
        write_json(body, &format!("Body, {kind}"), &content["schema"]);
        if !content["example"].is_null() {
            write_json(body, "For example", &content["example"]);
        }
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let _ = writeln!(
            body,
            "<p><b>{status}</b> {}</p>",
            text(&response["description"])
        );
        for (_, content) in response["content"].as_object().into_iter().flatten() {
            if !content["example"].is_null() {
                write_json(body, "For example", &content["example"]);
            }
        }
    }
    body.push_str("</section>\n");
}

fn write_json(body: &mut String, title: &str, value: &Value) {
    let _ = writeln!(
        body,
        "<details><summary>{}</summary><pre>{}</pre></details>",
        escaped(title),
        escaped(&format!("{value:#}")),
    );
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; \
         color-scheme: light dark }} pre {{ overflow-x: auto }} dt {{ margin-top: 1rem }} \
         section {{ border-top: 1px solid; margin-top: 1.5rem }}</style>\n<h1>{title}</h1>\n{body}"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(servers: &ApiServers) -> Value {
        let documents = documents(servers, true).expect("documents");
        serde_json::from_str(&documents[0].text).expect("JSON")
    }

    #[test]
    fn the_servers_are_those_of_the_setting() {
        let one = served(&ApiServers::One("https://api.example".to_owned()));
        assert_eq!(one["servers"][0]["url"], "https://api.example");
        assert!(one["paths"]["/auth/me"].get("servers").is_none());
        let each = ApiServers::Each(vec![
            ("auth-service", "http://a:1".to_owned()),
            ("status-service", "http://s:3".to_owned()),
        ]);
        let each = served(&each);
        assert_eq!(each["paths"]["/auth/me"]["servers"][0]["url"], "http://a:1");
        let videos = &each["paths"]["/videos/{user_id}"];
        assert_eq!(videos["servers"][0]["url"], "http://s:3");
    }

    #[test]
    fn pages_name_no_foreign_host() {
        let servers = ApiServers::One("/".to_owned());
        for document in documents(&servers, true).expect("documents") {
            if document.content_type == HTML {
                // What a browser would fetch, and not what examples tell of.
                let loads = ["src=", "href=\"http", "@import", "url("];
                let loaded = loads.iter().find(|word| document.text.contains(**word));
                assert_eq!(loaded, None, "{}", document.path);
                assert!(document.text.len() > 1_000);
            }
        }
    }
}
