//! Who calls, as API Gateway's authorizer has verified it and says in the event.

use serde_json::Value;

use crate::Caller;

/// The caller in an API Gateway event: the claims of a JWT authorizer (HTTP API) or of a
/// Cognito authorizer (REST API). `None`: nothing was authorized.
#[must_use]
pub fn caller(event: &Value) -> Option<Caller> {
    let authorizer = event.get("requestContext")?.get("authorizer")?;
    let claims = authorizer
        .pointer("/jwt/claims")
        .or_else(|| authorizer.get("claims"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Caller {
        user_id: text("sub")?,
        username: text("cognito:username").or_else(|| text("username"))?,
        email: text("email").filter(|_| claims.get("email_verified").is_some_and(is_true)),
        groups: claims.get("cognito:groups").map(groups).unwrap_or_default(),
    })
}

/// A gateway may write a claim's `true` as text.
fn is_true(claim: &Value) -> bool {
    claim.as_bool().unwrap_or_else(|| claim == "true")
}

/// A REST API writes a list as `a,b`, an HTTP API as `[a b]`, a test may write an array.
fn groups(claim: &Value) -> Vec<String> {
    match claim {
        Value::Array(groups) => groups
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Value::String(groups) => groups
            .trim_matches(['[', ']'])
            .split([',', ' '])
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(authorizer: &Value) -> Value {
        json!({ "requestContext": { "authorizer": authorizer } })
    }

    #[test]
    fn both_kinds_of_api_say_who_calls() {
        let claims =
            json!({ "sub": "u1", "username": "ana", "cognito:groups": "[operators staff]" });
        let http_api = caller(&event(&json!({ "jwt": { "claims": claims } }))).expect("a caller");
        assert_eq!(http_api.groups, ["operators", "staff"]);
        let claims =
            json!({ "sub": "u1", "cognito:username": "ana", "cognito:groups": "operators,staff" });
        let rest_api = caller(&event(&json!({ "claims": claims }))).expect("a caller");
        assert_eq!(rest_api, http_api);
    }

    #[test]
    fn an_address_counts_when_it_is_verified() {
        let email = |verified: Value| {
            let claims = json!({ "sub": "u1", "username": "ana", "email": "ana@example.com",
                "email_verified": verified });
            let caller = caller(&event(&json!({ "claims": claims }))).expect("a caller");
            caller.email
        };
        let address = Some("ana@example.com".to_owned());
        assert_eq!(
            (email(json!(true)), email(json!("true"))),
            (address.clone(), address)
        );
        assert_eq!((email(json!(false)), email(json!("false"))), (None, None));
        assert_eq!(email(json!(null)), None);
    }

    #[test]
    fn without_claims_there_is_no_caller() {
        for authorizer in [
            json!(null),
            json!({}),
            json!({ "iam": {} }),
            json!({ "claims": { "sub": "u1" } }),
        ] {
            assert_eq!(caller(&event(&authorizer)), None, "{authorizer}");
        }
    }
}
