//! The `OpenAPI` document of the whole system (<https://spec.openapis.org/oas/v3.1.0>), made of the table
//! and of the types that handlers read and write. It is kept as `core/openapi.json`, which a test holds to
//! it, so that programs serve it without making it.

mod operations;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::App;
use crate::features::problems::PROBLEMS;
use crate::features::{SERVICES, TABLE};
use lambda_anywhere::{Access, Feature, Route, problem};

/// What an operation takes and gives, beside what its row says.
pub(crate) struct Operation {
    tag: &'static str,
    /// The schema of the JSON body, and whether there must be one.
    body: Option<(Value, bool)>,
    query: Vec<Value>,
    answers: Vec<Answer>,
    problems: Vec<&'static str>,
    /// Where an answer's parts lead, as `OpenAPI`'s links.
    links: Value,
}

struct Answer {
    status: u16,
    about: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    /// Its media type and schema.
    content: Option<(&'static str, Value)>,
}

/// A sample of a request's body and of the answer to it.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The JSON body.
    pub request: Option<Value>,
    /// The status of the answer.
    pub status: u16,
    /// Its JSON body.
    pub response: Option<Value>,
}

/// What each group of operations is for.
const TAGS: [(&str, &str); 4] = [
    ("auth", "Who somebody is: accounts, logins and tokens."),
    (
        "uploads",
        "How a video comes in: by a presigned address, or as a form.",
    ),
    (
        "videos",
        "What became of a user's videos: their records, their zips, and what can be done with them.",
    ),
    ("notices", "For operators: notices by hand."),
];

/// The document; `examples` has some for each feature.
#[must_use]
pub fn document(version: &str, examples: &BTreeMap<String, Vec<Example>>) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for feature in TABLE {
        let Some(route) = feature.route() else {
            continue;
        };
        let described = operations::of(feature.name, &mut schemas);
        let examples = examples.get(feature.name).map_or(&[][..], Vec::as_slice);
        let path = paths.entry(route.path).or_default();
        let written = operation(feature, route, described, examples);
        path.insert(route.method.as_str().to_lowercase(), written);
        path.entry("servers").or_insert_with(|| servers(feature));
    }
    let mut components = schemas.take_definitions(true);
    components.insert("Problem".to_owned(), problem_schema());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "fotograma",
            "version": version,
            "summary": "A video in, a zip of its frames out.",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8003", "description": "status-service of a developer's system" }],
        "tags": TAGS.map(|(name, about)| json!({ "name": name, "description": about })),
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The `access_token` that `POST /auth/login` gives.",
                },
            },
            "schemas": components,
        },
    });
    simplify(&mut document);
    document
}

/// Writes a choice of words, each of which has a schema and a sentence of its own, as an `enum`: clients that are
/// generated make a type of that, and not of the other.
fn simplify(schema: &mut Value) {
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let words: Option<Vec<&str>> = choices
            .iter()
            .map(|choice| choice["const"].as_str())
            .collect();
        if let Some(words) = words {
            let sentences = choices.iter().zip(&words).map(|(choice, word)| {
                format!(
                    "`{word}`: {}",
                    choice["description"].as_str().unwrap_or_default()
                )
            });
            let about = schema["description"]
                .as_str()
                .into_iter()
                .map(str::to_owned);
            let about: Vec<_> = about.chain(sentences).collect();
            *schema = json!({ "type": "string", "enum": words, "description": about.join("\n\n") });
        }
    }
    match schema {
        Value::Array(values) => values.iter_mut().for_each(simplify),
        Value::Object(fields) => {
            // That it may be left out is said already; generators take a default for a value that is always there.
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            fields.values_mut().for_each(simplify);
        }
        _ => {}
    }
}

const DESCRIPTION: &str = "Each path has the server of its service; where one address stands before all of them, \
    there is only that. `me` stands for the user that a token belongs to.\n\nBodies and queries are strict: what is \
    not described here is refused. Every answer has `X-Request-Id`, which may be sent along. Answers to `GET` have an \
    `ETag`, and `If-None-Match` is heeded. Problems are RFC 9457 documents; their `type` is a path on the server that \
    answered, `/problems#…`, where all kinds are told of.\n\nThis is version 1, and its paths carry no number. What is \
    added to it (fields of answers, optional fields of requests, paths, kinds of problems) breaks no client that \
    leaves aside what it does not know. What would break one comes under `/v2`, and the old one then says \
    `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) for at least six months.";

/// The service's own address on a developer's machine; who serves the document puts others in its place.
fn servers(feature: &Feature<App>) -> Value {
    let service = SERVICES
        .iter()
        .find(|service| service.name == feature.service);
    let port = service.map_or(0, |service| service.port);
    json!([{ "url": format!("http://127.0.0.1:{port}"), "description": feature.service }])
}

fn problem_schema() -> Value {
    let kinds: Vec<_> = PROBLEMS.iter().map(|kind| type_of(kind.name)).collect();
    json!({
        "type": "object",
        "description": "A problem (RFC 9457).",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "examples": kinds, "description": "Its kind." },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "A sentence for people." },
            "request_id": { "type": "string", "description": "What to tell the operator." },
            "field": { "type": "string", "description": "The field of the body, the form or the query that is at fault." },
        },
    })
}

fn type_of(kind: &str) -> String {
    format!("{}{kind}", problem::TYPES)
}

fn operation(
    feature: &Feature<App>,
    route: &Route<App>,
    mut described: Operation,
    examples: &[Example],
) -> Value {
    let mut parameters: Vec<_> = path_parameters(route.path).collect();
    parameters.append(&mut described.query);
    if route.method == Method::GET && !route.follow {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
            "description": "The `ETag` of what the client has.",
        }));
    }
    let responses = responses(feature, route, &described, examples);
    let mut written = json!({
        "operationId": feature.name,
        "tags": [described.tag],
        "summary": sentence(feature.about),
        "parameters": parameters,
        "responses": responses,
    });
    if route.access == Access::Public {
        written["security"] = json!([]);
    }
    if let Access::Group(group) = route.access {
        written["description"] = format!("For members of the group `{group}`.").into();
    }
    let (kind, schema, required) = match (&route.form, described.body) {
        (Some(_), Some((options, _))) => ("multipart/form-data", with_file(options), true),
        (None, Some((schema, required))) => ("application/json", schema, required),
        _ => return written,
    };
    let mut content = json!({ "schema": schema });
    let samples = examples.iter().filter(|example| example.status < 300);
    if let Some(sample) = samples.clone().find_map(|example| example.request.as_ref())
        && route.form.is_none()
    {
        content["example"] = sample.clone();
    }
    written["requestBody"] = json!({ "required": required, "content": { kind: content } });
    written
}

fn sentence(about: &str) -> String {
    let mut letters = about.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    format!("{}{}", first.collect::<String>(), letters.as_str())
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = Value> {
    let names = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let (about, example) = match name {
            "user_id" => ("Whose; `me` is the token's user.", "me"),
            _ => ("Which video.", "0190a6a0-7c1e-7000-8000-0000000000a1"),
        };
        json!({
            "name": name, "in": "path", "required": true, "description": about,
            "schema": { "type": "string", "minLength": 1, "examples": [example] },
        })
    })
}

/// A form's fields: the file beside the options.
fn with_file(mut options: Value) -> Value {
    let file = json!({ "type": "string", "format": "binary", "description": "The video." });
    options["properties"]["file"] = file;
    options["required"] = json!(["file"]);
    options
}

fn responses(
    feature: &Feature<App>,
    route: &Route<App>,
    described: &Operation,
    examples: &[Example],
) -> Value {
    let mut responses = BTreeMap::new();
    for answer in &described.answers {
        let mut response = json!({ "description": answer.about });
        if let Some((kind, schema)) = &answer.content {
            let mut content = json!({ "schema": schema });
            let fits = |example: &&Example| example.status == answer.status;
            let mut samples = examples.iter().filter(fits);
            if let Some(sample) = samples.find_map(|example| example.response.clone()) {
                content["example"] = sample;
            }
            response["content"] = json!({ *kind: content });
        }
        for (name, about) in &answer.headers {
            response["headers"][*name] =
                json!({ "description": about, "schema": { "type": "string" } });
        }
        if answer.status < 300 && !described.links.is_null() {
            response["links"] = described.links.clone();
        }
        responses.insert(answer.status, response);
    }
    if route.method == Method::GET
        && !route.follow
        && described.answers.iter().any(|answer| answer.status == 200)
    {
        let about = "The client has it already: it named its `ETag`.";
        responses.insert(304, json!({ "description": about }));
    }
    let mut by_status: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for kind in problems(feature, route, described) {
        let known = PROBLEMS.iter().find(|known| known.name == kind);
        let known = known.unwrap_or_else(|| panic!("nothing is told of the problem {kind}"));
        by_status.entry(known.status).or_default().insert(kind);
    }
    for (status, kinds) in by_status {
        responses.insert(status, problem_response(status, &kinds));
    }
    let responses = responses.into_iter();
    Value::Object(
        responses
            .map(|(status, written)| (status.to_string(), written))
            .collect(),
    )
}

fn problem_response(status: u16, kinds: &BTreeSet<&str>) -> Value {
    let about = PROBLEMS.iter().filter(|kind| kinds.contains(kind.name));
    let about: Vec<_> = about
        .map(|kind| format!("`{}`: {}", kind.name, kind.about))
        .collect();
    let types: Vec<_> = kinds.iter().map(|kind| type_of(kind)).collect();
    let mut response = json!({
        "description": about.join("\n\n"),
        "content": { "application/problem+json": { "schema": { "allOf": [
            { "$ref": "#/components/schemas/Problem" },
            { "properties": { "type": { "enum": types } } },
        ] } } },
    });
    if status == 429 || status == 503 {
        response["headers"]["Retry-After"] = json!({
            "description": "When to try again, in seconds.", "schema": { "type": "integer", "minimum": 1 },
        });
    }
    response
}

/// The kinds of problems of an operation: its own, and those that follow from its row.
fn problems(
    feature: &Feature<App>,
    route: &Route<App>,
    described: &Operation,
) -> BTreeSet<&'static str> {
    // A query that nobody takes is a fault anywhere.
    let mut kinds = BTreeSet::from([
        "unknown-field",
        "internal-error",
        "unavailable",
        "took-too-long",
    ]);
    kinds.extend(&described.problems);
    match route.access {
        Access::Public => {}
        Access::User => kinds.extend(["token-missing", "token-expired", "token-invalid"]),
        Access::Group(_) => {
            kinds.extend([
                "token-missing",
                "token-expired",
                "token-invalid",
                "forbidden",
            ]);
        }
    }
    if described.body.is_some() {
        kinds.extend([
            "invalid-field",
            "too-large",
            "request-timeout",
            "unsupported-media-type",
        ]);
        // A form breaks in other ways than JSON does.
        kinds.extend(match route.form {
            Some(_) => ["bad-request", "missing-field"],
            None => ["malformed-body", "missing-field"],
        });
    }
    if route.takes_query {
        kinds.extend(["invalid-field", "bad-request"]);
    }
    if feature
        .route()
        .is_some_and(|route| route.path.contains('{'))
    {
        kinds.insert("not-found");
    }
    if route.rate_limit.is_some() {
        kinds.insert("too-many-requests");
    }
    kinds
}

impl Operation {
    fn new(tag: &'static str) -> Self {
        Self {
            tag,
            body: None,
            query: Vec::new(),
            answers: Vec::new(),
            problems: Vec::new(),
            links: Value::Null,
        }
    }

    /// Takes a JSON body, which must be there or need not.
    fn body<T: JsonSchema>(self, schemas: &mut SchemaGenerator, required: bool) -> Self {
        let schema = strict::<T>(schemas);
        let body = Some((
            named(T::schema_name().into_owned(), schema, schemas),
            required,
        ));
        Self { body, ..self }
    }

    /// Takes a form with these fields beside its file.
    fn form<T: JsonSchema>(self, schemas: &mut SchemaGenerator) -> Self {
        let body = Some((strict::<T>(schemas), true));
        Self { body, ..self }
    }

    /// Takes a JSON body that says two things.
    fn body_of_two<T: JsonSchema, U: JsonSchema>(self, schemas: &mut SchemaGenerator) -> Self {
        let (mut whole, other) = (strict::<T>(schemas), strict::<U>(schemas));
        if let (Value::Object(fields), Value::Object(others)) =
            (&mut whole["properties"], &other["properties"])
        {
            fields.extend(others.clone());
        }
        let body = Some((named(T::schema_name().into_owned(), whole, schemas), true));
        Self { body, ..self }
    }

    /// Takes the fields of `T` in its query.
    fn query<T: JsonSchema>(self, schemas: &mut SchemaGenerator) -> Self {
        let schema = strict::<T>(schemas);
        let fields = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let query = fields.into_iter().map(|(name, mut schema)| {
            let about = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
            if let Some(about) = about {
                parameter["description"] = about;
            }
            if parameter["schema"]["type"] == "array" {
                parameter["style"] = "form".into();
                parameter["explode"] = false.into();
            }
            parameter
        });
        Self {
            query: query.collect(),
            ..self
        }
    }

    /// Answers with JSON.
    fn answers<T: JsonSchema>(
        self,
        schemas: &mut SchemaGenerator,
        status: u16,
        about: &'static str,
    ) -> Self {
        let schema = schemas.subschema_for::<T>().to_value();
        self.answers_with(Answer {
            status,
            about,
            headers: Vec::new(),
            content: Some(("application/json", schema)),
        })
    }

    /// Answers without a body.
    fn answers_nothing(self, status: u16, about: &'static str) -> Self {
        self.answers_with(Answer {
            status,
            about,
            headers: Vec::new(),
            content: None,
        })
    }

    fn answers_with(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// The last answer has this header too.
    fn header(mut self, name: &'static str, about: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, about));
        }
        self
    }

    fn problems(mut self, kinds: &[&'static str]) -> Self {
        self.problems.extend(kinds);
        self
    }

    fn links(self, links: Value) -> Self {
        Self { links, ..self }
    }
}

/// The schema under a name, for clients that make a type of it; and where it is.
fn named(name: String, schema: Value, schemas: &mut SchemaGenerator) -> Value {
    let found = json!({ "$ref": format!("#/components/schemas/{name}") });
    schemas.definitions_mut().insert(name, schema);
    found
}

/// A type's schema, in which optional fields may be left out or null, and others may not be there.
fn strict<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    let mut schema = T::json_schema(schemas).to_value();
    schema["additionalProperties"] = false.into();
    schema
}
