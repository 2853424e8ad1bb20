//! One condition of a filter policy on one value.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// A value of a message, or of each element of a list, is compared with this.
#[derive(Debug)]
pub(super) enum Condition {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    IgnoreCase(String),
    Wildcard(Vec<String>),
    Cidr(IpAddr, u8),
    Numeric(Vec<(Comparison, f64)>),
    AnythingBut(Vec<Condition>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Whether the name is one of an operator, and so cannot be a key of an alternative.
pub(super) fn is_operator(name: &str) -> bool {
    matches!(
        name,
        "prefix"
            | "suffix"
            | "equals-ignore-case"
            | "wildcard"
            | "cidr"
            | "numeric"
            | "anything-but"
            | "exists"
    )
}

impl Condition {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(object) => Self::parse_operator(object),
            Value::Array(_) => {
                Err("Match value must be String, number, true, false, or null".to_owned())
            }
            _ => Ok(Self::Equals(value.clone())),
        }
    }

    fn parse_operator(object: &Map<String, Value>) -> Result<Self, String> {
        let mut members = object.iter();
        let (Some((operator, operand)), None) = (members.next(), members.next()) else {
            return Err("Only one key allowed in match expression".to_owned());
        };
        let text = || {
            let text = operand.as_str().map(str::to_owned);
            text.ok_or_else(|| format!("{operator} match pattern must be a string"))
        };
        match operator.as_str() {
            "prefix" => Ok(Self::Prefix(text()?)),
            "suffix" => Ok(Self::Suffix(text()?)),
            "equals-ignore-case" => Ok(Self::IgnoreCase(text()?)),
            "wildcard" => Ok(Self::Wildcard(
                text()?.split('*').map(str::to_owned).collect(),
            )),
            "cidr" => parse_cidr(&text()?),
            "numeric" => parse_numeric(operand),
            "anything-but" => parse_anything_but(operand),
            "exists" => match operand {
                Value::Bool(wanted) => Ok(Self::Exists(*wanted)),
                _ => Err("exists match pattern must be either true or false.".to_owned()),
            },
            _ => Err(format!("Unrecognized match type {operator}")),
        }
    }

    /// Whether the value of a key, or its absence, fits. An element of a list is enough.
    pub(super) fn takes(&self, value: Option<&Value>) -> bool {
        if let Self::Exists(wanted) = self {
            let empty = |value: &Value| {
                value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
            };
            return *wanted == value.is_some_and(|value| !empty(value));
        }
        match value {
            None => false,
            // The guide has a list match "if none of the array elements are listed" for texts, and
            // "because it contains a value that isn't" listed for numbers.
            Some(Value::Array(items)) => match self {
                Self::AnythingBut(listed) if !listed.iter().all(Self::is_number) => {
                    !items.is_empty() && items.iter().all(|item| self.takes_one(item))
                }
                _ => items.iter().any(|item| self.takes_one(item)),
            },
            Some(value) => self.takes_one(value),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Equals(Value::Number(_)))
    }

    fn takes_one(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(wanted) => match (wanted.as_f64(), value.as_f64()) {
                (Some(wanted), Some(value)) => equal(wanted, value),
                _ => wanted == value,
            },
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::IgnoreCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Self::Wildcard(parts) => text.is_some_and(|text| fits_wildcard(text, parts)),
            Self::Cidr(network, bits) => text
                .and_then(|text| text.parse().ok())
                .is_some_and(|address| in_network(address, *network, *bits)),
            Self::Numeric(bounds) => value.as_f64().is_some_and(|value| {
                bounds
                    .iter()
                    .all(|(comparison, bound)| comparison.holds(value, *bound))
            }),
            Self::AnythingBut(listed) => !listed.iter().any(|listed| listed.takes_one(value)),
            Self::Exists(_) => false,
        }
    }
}

/// Numbers are compared to five digits after the point, the guide's accuracy.
fn equal(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.000_005
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Equal => equal(value, bound),
            Self::Less => value < bound && !equal(value, bound),
            Self::LessOrEqual => value < bound || equal(value, bound),
            Self::Greater => value > bound && !equal(value, bound),
            Self::GreaterOrEqual => value > bound || equal(value, bound),
        }
    }
}

fn parse_numeric(operand: &Value) -> Result<Condition, String> {
    let items = operand
        .as_array()
        .filter(|items| matches!(items.len(), 2 | 4));
    let items = items.ok_or("Value of numeric must be an array of one or two comparisons")?;
    let bounds = items.chunks(2).map(|pair| {
        let comparison = pair[0].as_str().and_then(Comparison::parse);
        let comparison = comparison
            .ok_or_else(|| format!("Unrecognized numeric range operator: {}", pair[0]))?;
        let bound = pair[1].as_f64().filter(|bound| bound.abs() <= 1e9);
        let bound =
            bound.ok_or("Value of a numeric comparison must be between -1.0E9 and 1.0E9")?;
        Ok((comparison, bound))
    });
    bounds
        .collect::<Result<_, String>>()
        .map(Condition::Numeric)
}

fn parse_anything_but(operand: &Value) -> Result<Condition, String> {
    let listed = match operand {
        Value::Array(items) if items.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(object) => {
            let mut members = object.iter();
            let (Some((operator, operand)), None) = (members.next(), members.next()) else {
                return Err("Only one key allowed in match expression".to_owned());
            };
            if !matches!(
                operator.as_str(),
                "prefix" | "suffix" | "equals-ignore-case" | "wildcard"
            ) {
                return Err(format!("Unsupported anything-but pattern: {operator}"));
            }
            // Each may be given one value or a list.
            let operands = operand
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![operand.clone()]);
            let parse = |operand: Value| {
                Condition::parse_operator(&Map::from_iter([(operator.clone(), operand)]))
            };
            operands.into_iter().map(parse).collect()
        }
        value => plain(value).map(|condition| vec![condition]),
    };
    listed.map(Condition::AnythingBut)
}

fn plain(value: &Value) -> Result<Condition, String> {
    if value.is_string() || value.is_number() {
        return Ok(Condition::Equals(value.clone()));
    }
    Err("Inside anything but list, start|null|boolean is not supported.".to_owned())
}

fn parse_cidr(text: &str) -> Result<Condition, String> {
    let invalid = || format!("Malformed CIDR, one '/' required: {text}");
    let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
    let address: IpAddr = address.parse().map_err(|_| invalid())?;
    let bits: u8 = bits.parse().map_err(|_| invalid())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits > most {
        Err(invalid())
    } else {
        Ok(Condition::Cidr(address, bits))
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((address, width), (network, network_width)) = (number(address), number(network));
    let free = width - u32::from(bits);
    // A shift by the whole width leaves nothing to compare.
    let head = |number: u128| number.checked_shr(free).unwrap_or(0);
    width == network_width && head(address) == head(network)
}

/// The parts between the stars must follow one another.
fn fits_wildcard(text: &str, parts: &[String]) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|p| p == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part.as_str()) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last.as_str())
}
