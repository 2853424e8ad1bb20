//! The fields of a body, a query or a form, read into a type: what the type does not know is refused,
//! and what is wrong is said in words that a client knows, with the field's name.
//!
//! Whatever is text alone (a query, a form) is read into the same types as JSON is: numbers, `true` and
//! `false` as they are written, lists with commas between.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::{Error, Request, Result, problem};

/// Fields by their names, and where they are from.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    values: BTreeMap<String, Value>,
    /// Whether each value is text, whatever it stands for.
    are_text: bool,
    /// The names of those that were taken out, whether they were there or not.
    taken: Vec<&'static str>,
}

impl Fields {
    /// The fields of a request's JSON body, which must be an object.
    ///
    /// # Errors
    /// 400 when it is none, 415 when it is said to be something else than JSON.
    pub fn of_body(request: &Request) -> Result<Self> {
        let malformed =
            |detail: String| Error::bad_request(detail).of_kind(problem::MALFORMED_BODY);
        refuse_other_types(request.headers())?;
        match serde_json::from_slice(request.body().as_ref()) {
            Ok(Value::Object(object)) => Ok(Self {
                values: object.into_iter().collect(),
                ..Self::default()
            }),
            Ok(_) => Err(malformed("the body must be a JSON object".to_owned())),
            Err(_) if request.body().is_empty() => {
                Err(malformed("there must be a body, a JSON object".to_owned()))
            }
            Err(error) => Err(malformed(format!(
                "the body is not JSON: it goes wrong at line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }

    /// The fields of a request's JSON body; none where there is no body.
    ///
    /// # Errors
    /// As those of [`of_body`](Self::of_body).
    pub fn of_optional_body(request: &Request) -> Result<Self> {
        if request.body().is_empty() {
            return Ok(Self::default());
        }
        Self::of_body(request)
    }

    /// The parameters of a request's query.
    ///
    /// # Errors
    /// 400 for one that is there twice, or is not UTF-8.
    pub fn of_query(request: &Request) -> Result<Self> {
        let mut values = BTreeMap::new();
        let query = request.uri().query().unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if values.insert(name.clone(), Value::String(value)).is_some() {
                return Err(Error::bad_field(&*name, format!("{name} is there twice")));
            }
        }
        Ok(Self {
            values,
            are_text: true,
            taken: Vec::new(),
        })
    }

    /// The fields of a form.
    #[must_use]
    pub fn of_form(fields: &BTreeMap<String, String>) -> Self {
        let values = fields.iter();
        Self {
            values: values
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect(),
            are_text: true,
            taken: Vec::new(),
        }
    }

    /// Takes those out that are a `T`'s, so that two types can share a body.
    ///
    /// # Errors
    /// 400 for one that is not as it must be.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T> {
        let names = names_of::<T>();
        let (own, rest) = std::mem::take(&mut self.values)
            .into_iter()
            .partition(|(name, _)| names.contains(&name.as_str()));
        self.values = rest;
        self.taken.extend(names);
        Self {
            values: own,
            are_text: self.are_text,
            taken: Vec::new(),
        }
        .read()
    }

    /// All of them as a `T`.
    ///
    /// # Errors
    /// 400 for one that is missing, unknown, or not as it must be.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        let fields = self.values.into_iter().collect::<Vec<_>>();
        let object = Object {
            fields: fields.into_iter(),
            value: None,
            are_text: self.are_text,
        };
        T::deserialize(object).map_err(|fault| {
            let mut known = names_of::<T>().to_vec();
            known.extend(self.taken);
            fault.named(&known).into()
        })
    }
}

/// The names of a type's fields.
#[must_use]
pub fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    // It gives no value, only the names on the way.
    let _ = T::deserialize(Names(&mut names));
    names
}

fn decoded(text: &str) -> Result<String> {
    let text = text.replace('+', " ");
    let text = percent_decode_str(&text).decode_utf8();
    let text = text.map_err(|_| Error::bad_request("the query is not UTF-8"))?;
    Ok(text.into_owned())
}

/// A body may come without a type, and as what `curl -d` calls it: neither is another format.
fn refuse_other_types(headers: &HeaderMap) -> Result<()> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let kind = kind.as_bytes().split(|b| *b == b';').next();
    let kind = kind.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let is_json = kind.is_empty()
        || kind == b"application/json"
        || kind.ends_with(b"+json")
        || kind == b"application/x-www-form-urlencoded";
    if is_json {
        return Ok(());
    }
    Err(Error::rejected(
        http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "send JSON, and say so: Content-Type: application/json",
    ))
}

/// Why fields cannot be read.
#[derive(Debug)]
struct Fault {
    kind: &'static str,
    field: Option<String>,
    /// What it must be, to be said behind the field's name; or a sentence, where there is none.
    says: String,
}

impl Fault {
    fn of(kind: &'static str, says: impl Into<String>) -> Self {
        Self {
            kind,
            field: None,
            says: says.into(),
        }
    }

    fn must_be(what: impl fmt::Display) -> Self {
        Self::of(problem::INVALID_FIELD, format!("must be {what}"))
    }

    /// The same, where `known` are the names of the fields that there are.
    fn named(self, known: &[&str]) -> Self {
        match &self.field {
            Some(field) if self.kind == problem::UNKNOWN_FIELD && !field.contains('.') => {
                unknown(field, known)
            }
            // A sentence of the type's own begins with the field that it is about.
            None => {
                let first = self.says.split(' ').next().unwrap_or_default();
                let field = known.contains(&first).then(|| first.to_owned());
                Self { field, ..self }
            }
            _ => self,
        }
    }

    fn within(self, outer: &str) -> Self {
        let field = match self.field {
            Some(inner) => format!("{outer}.{inner}"),
            None => outer.to_owned(),
        };
        Self {
            field: Some(field),
            ..self
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let detail = match &fault.field {
            Some(field) if fault.says.starts_with("must be ") => format!("{field} {}", fault.says),
            _ => fault.says,
        };
        Self::Rejected {
            status: http::StatusCode::BAD_REQUEST,
            kind: fault.kind,
            detail,
            field: fault.field,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    /// A sentence of the type's own.
    fn custom<T: fmt::Display>(sentence: T) -> Self {
        Self::of(problem::INVALID_FIELD, sentence.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must_be(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must_be(expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::must_be(one_of(expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            kind: problem::MISSING_FIELD,
            field: Some(field.to_owned()),
            says: format!("{field} is missing"),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown(field, expected)
    }
}

fn unknown(field: &str, known: &[&str]) -> Fault {
    let known = match known {
        [] => "none is taken".to_owned(),
        _ => format!("there are {}", known.join(", ")),
    };
    Fault {
        kind: problem::UNKNOWN_FIELD,
        field: Some(field.to_owned()),
        says: format!("there is no field {field:?} here; {known}"),
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// An object's fields on their way into a type.
struct Object {
    fields: std::vec::IntoIter<(String, Value)>,
    value: Option<(String, Value)>,
    are_text: bool,
}

impl<'de> Deserializer<'de> for Object {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let mut given = self.fields.as_slice().iter();
        if let Some((unknown, _)) = given.find(|(name, _)| !names.contains(&name.as_str())) {
            return Err(de::Error::unknown_field(unknown, names));
        }
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Object {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.value = self.fields.next();
        let Some((name, _)) = &self.value else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (name, value) = self.value.take().ok_or_else(|| Fault::must_be("a field"))?;
        let value = Field {
            value,
            is_text: self.are_text,
        };
        seed.deserialize(value).map_err(|fault| fault.within(&name))
    }
}

/// One value on its way into a field.
struct Field {
    value: Value,
    /// Whether it is text whatever it stands for.
    is_text: bool,
}

impl Field {
    /// The number that it is, or that its text stands for.
    fn number<T: std::str::FromStr>(&self, of_json: impl Fn(&Value) -> Option<T>) -> Option<T> {
        match &self.value {
            Value::String(text) if self.is_text => text.trim().parse().ok(),
            value => of_json(value),
        }
    }

    fn unsigned<'de, V: Visitor<'de>>(&self, max: u64, visitor: V) -> Result<V::Value, Fault> {
        match self.number(Value::as_u64).filter(|number| *number <= max) {
            Some(number) => visitor.visit_u64(number),
            None if max == u64::MAX => Err(Fault::must_be("a whole number, 0 or more")),
            None => Err(Fault::must_be(format!("a whole number from 0 to {max}"))),
        }
    }

    fn signed<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Fault> {
        match self.number(Value::as_i64) {
            Some(number) => visitor.visit_i64(number),
            None => Err(Fault::must_be("a whole number")),
        }
    }

    fn text(self) -> Result<String, Fault> {
        match self.value {
            Value::String(text) => Ok(text),
            _ => Err(Fault::must_be("text")),
        }
    }
}

impl<'de> Deserializer<'de> for Field {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) if self.is_text && text == "true" => visitor.visit_bool(true),
            Value::String(text) if self.is_text && text == "false" => visitor.visit_bool(false),
            _ => Err(Fault::must_be("true or false")),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.unsigned(u8::MAX.into(), visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.unsigned(u16::MAX.into(), visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.unsigned(u32::MAX.into(), visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.unsigned(u64::MAX, visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.signed(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.signed(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.number(Value::as_f64) {
            Some(number) => visitor.visit_f64(number),
            None => Err(Fault::must_be("a number")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let is_text = self.is_text;
        let values = match self.value {
            Value::Array(values) => values,
            Value::String(text) if is_text => text
                .split(',')
                .map(|word| Value::String(word.trim().to_owned()))
                .collect(),
            _ => return Err(Fault::must_be("a list")),
        };
        let values = values.into_iter().map(|value| Field { value, is_text });
        visitor.visit_seq(SeqDeserializer::new(values))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.object()?.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.object()?.deserialize_struct(name, names, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = self.text().map_err(|_| Fault::must_be(one_of(words)))?;
        let word: StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
        visitor.visit_enum(word)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

impl Field {
    fn object(self) -> Result<Object, Fault> {
        match self.value {
            Value::Object(object) => Ok(Object {
                fields: object.into_iter().collect::<Vec<_>>().into_iter(),
                value: None,
                are_text: self.is_text,
            }),
            _ => Err(Fault::must_be("an object")),
        }
    }
}

impl IntoDeserializer<'_, Fault> for Field {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Looks what a type's fields are called; it has no value for any.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::must_be("an object"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        *self.0 = names;
        Err(Fault::must_be("an object"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::encodings::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Colour {
        Red,
        DarkBlue,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Order {
        name: String,
        count: Option<u8>,
        #[serde(default)]
        gift: bool,
        #[serde(default)]
        colours: Vec<Colour>,
        weight: Option<f64>,
    }

    fn body(json: &str) -> Request {
        Request::new(Body::Text(json.to_owned()))
    }

    fn query(query: &str) -> Result<Fields> {
        let request = http::Request::builder().uri(format!("/orders?{query}"));
        Fields::of_query(&request.body(Body::Empty).expect("a request"))
    }

    /// The kind, the field and the sentence of a refusal.
    fn refused<T: fmt::Debug>(outcome: Result<T>) -> (&'static str, Option<String>, String) {
        match outcome {
            Err(Error::Rejected {
                status,
                kind,
                detail,
                field,
            }) if status.as_u16() == 400 => (kind, field, detail),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_and_json_give_the_same() {
        let json =
            r#"{"name":"a b","count":2,"gift":true,"colours":["red","dark-blue"],"weight":0.5}"#;
        let expected = Order {
            name: "a b".to_owned(),
            count: Some(2),
            gift: true,
            colours: vec![Colour::Red, Colour::DarkBlue],
            weight: Some(0.5),
        };
        let read: Result<Order> = Fields::of_body(&body(json)).and_then(Fields::read);
        assert_eq!(read, Ok(expected));
        let text = "name=a+b&count=2&gift=true&colours=red,dark%2Dblue&weight=.5";
        let from_text: Result<Order> = query(text).and_then(Fields::read);
        assert_eq!(from_text, read);
        let null = r#"{"name":"x","count":null}"#;
        let read: Order = Fields::of_body(&body(null))
            .and_then(Fields::read)
            .expect("an order");
        assert_eq!((read.count, read.gift), (None, false));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_clients_words() {
        let read = |json: &str| Fields::of_body(&body(json)).and_then(Fields::read::<Order>);
        for (json, kind, field, sentence) in [
            ("{}", "missing-field", Some("name"), "name is missing"),
            (
                r#"{"name":1}"#,
                "invalid-field",
                Some("name"),
                "name must be text",
            ),
            (
                r#"{"name":"x","count":256}"#,
                "invalid-field",
                Some("count"),
                "count must be a whole number from 0 to 255",
            ),
            (
                r#"{"name":"x","count":"2"}"#,
                "invalid-field",
                Some("count"),
                "count must be a whole number from 0 to 255",
            ),
            (
                r#"{"name":"x","gift":"true"}"#,
                "invalid-field",
                Some("gift"),
                "gift must be true or false",
            ),
            (
                r#"{"name":"x","colours":["green"]}"#,
                "invalid-field",
                Some("colours"),
                "colours must be red or dark-blue",
            ),
            (
                r#"{"name":"x","width":320}"#,
                "unknown-field",
                Some("width"),
                "there is no field \"width\" here; there are name, count, gift, colours, weight",
            ),
            (
                "[]",
                "malformed-body",
                None,
                "the body must be a JSON object",
            ),
            (
                "",
                "malformed-body",
                None,
                "there must be a body, a JSON object",
            ),
            (
                "{\n \"name\" 1}",
                "malformed-body",
                None,
                "the body is not JSON: it goes wrong at line 2, column 9",
            ),
        ] {
            let expected = (kind, field.map(str::to_owned), sentence.to_owned());
            assert_eq!(refused(read(json)), expected, "{json}");
        }
    }

    #[test]
    fn a_types_own_sentence_names_its_field() {
        #[derive(Debug, Deserialize)]
        #[serde(try_from = "Given")]
        struct Even;
        #[derive(Deserialize)]
        struct Given {
            number: u8,
        }
        impl TryFrom<Given> for Even {
            type Error = String;

            fn try_from(given: Given) -> Result<Self, String> {
                let even = given.number.is_multiple_of(2);
                even.then_some(Self)
                    .ok_or_else(|| "number is odd".to_owned())
            }
        }
        let fields = Fields::of_body(&body(r#"{"number":3}"#));
        let refused = refused(fields.and_then(Fields::read::<Even>));
        let sentence = "number is odd".to_owned();
        assert_eq!(
            refused,
            ("invalid-field", Some("number".to_owned()), sentence)
        );
    }

    #[test]
    fn a_parameter_is_there_once_and_known() {
        let (_, field, _) = refused(query("name=a&name=b"));
        assert_eq!(field.as_deref(), Some("name"));
        let (kind, field, _) = refused(query("name=a&after=b").and_then(Fields::read::<Order>));
        assert_eq!((kind, field.as_deref()), ("unknown-field", Some("after")));
        let (_, _, sentence) = refused(query("name=a&count=two").and_then(Fields::read::<Order>));
        assert_eq!(sentence, "count must be a whole number from 0 to 255");
        let (_, _, sentence) = refused(query("name=%ff"));
        assert_eq!(sentence, "the query is not UTF-8");
    }

    #[test]
    fn two_types_share_a_body() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Address {
            street: String,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only its name counts")]
        struct Gift {
            ribbon: Option<String>,
        }
        let given = r#"{"name":"x","street":"Rua A"}"#;
        let mut fields = Fields::of_body(&body(given)).expect("fields");
        let address: Address = fields.take().expect("an address");
        assert_eq!(address.street, "Rua A");
        assert_eq!(fields.read::<Order>().expect("an order").name, "x");
        assert_eq!(names_of::<Address>(), ["street"]);

        let mut fields = Fields::of_body(&body(r#"{"name":"x","width":1}"#)).expect("fields");
        assert!(fields.take::<Gift>().is_ok());
        let (_, field, sentence) = refused(fields.read::<Order>());
        assert_eq!(field.as_deref(), Some("width"));
        assert!(sentence.ends_with("weight, ribbon"), "{sentence}");
    }

    #[test]
    fn another_format_is_not_read_as_json() {
        let mut request = body("{}");
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, "text/xml".parse().expect("a header"));
        let Err(Error::Rejected { status, .. }) = Fields::of_body(&request) else {
            panic!("it was read");
        };
        assert_eq!(status.as_u16(), 415);
    }
}
