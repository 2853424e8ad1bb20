//! `/openapi.json`: what a service's routes are, from the table
//! (<https://spec.openapis.org/oas/v3.1.0>).

use serde_json::{Map, Value, json};

use crate::{Access, Context, Feature, Route};

/// The `OpenAPI` document of a service's routes.
pub fn document<C: Context>(
    service: &str,
    version: &str,
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
        "info": { "title": service, "version": version },
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

fn operation<C: Context>(feature: &Feature<C>, route: &Route<C>) -> Value {
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
    if let Some(form) = &route.form {
        let mut properties = json!({ "file": { "type": "string", "format": "binary" } });
        for field in form.fields {
            properties[*field] = json!({ "type": "string" });
        }
        operation["requestBody"] = json!({ "required": true, "content": { "multipart/form-data": {
            "schema": { "type": "object", "required": ["file"], "properties": properties }
        } } });
    } else if route.method != http::Method::GET {
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
    }
    operation
}
