//! `/openapi.json`: what a service's routes are, from the table
//! (<https://spec.openapis.org/oas/v3.1.0>).

use fotograma_core::feature::{Access, Feature, Route};
use serde_json::{Map, Value, json};

/// The `OpenAPI` document of a service's routes.
pub fn document<C: 'static>(
    service: &str,
    features: impl Iterator<Item = &'static Feature<C>>,
) -> Value {
    let mut paths = Map::new();
    for feature in features {
        let Some(route) = feature.route() else {
            continue;
        };
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_lowercase()] = operation(feature, route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": service, "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "schemas": { "Problem": { "type": "object", "properties": {
                "type": { "type": "string" }, "title": { "type": "string" },
                "status": { "type": "integer" }, "detail": { "type": "string" },
                "request_id": { "type": "string" }
            } } }
        }
    })
}

fn operation<C>(feature: &Feature<C>, route: &Route<C>) -> Value {
    let parameters: Vec<_> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let security = match route.access {
        Access::Public => json!([]),
        Access::User | Access::Group(_) => json!([{ "bearer": [] }]),
    };
    let mut operation = json!({
        "operationId": feature.name,
        "summary": feature.about,
        "parameters": parameters,
        "security": security,
        "responses": {
            "2XX": { "description": "done" },
            "default": {
                "description": "a problem (RFC 9457)",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
            }
        }
    });
    if route.form.is_some() {
        operation["requestBody"] = json!({ "required": true, "content": { "multipart/form-data": {
            "schema": { "type": "object", "required": ["file"], "properties": {
                "file": { "type": "string", "format": "binary" }, "every": { "type": "string" }
            } }
        } } });
    } else if route.method != http::Method::GET {
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
    }
    operation
}
