//! Lists of objects: prefix, delimiter, paging, encoding.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rusqlite::{Connection, params};
use s3s::dto::{
    CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object as Listed,
    ObjectStorageClass, Owner,
};
use s3s::{S3Error, s3_error};

use super::checksums::Checksum;
use super::error::S3Failure;
use super::notifications::encode_key;
use super::rows::{self, Object, timestamp};
use super::store::Store;

/// The most that one answer holds, and what it holds when nothing is said.
const MAX_KEYS: i32 = 1000;

/// What is asked for.
struct Query {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    /// Only keys after this one.
    after: Option<String>,
    limit: usize,
}

/// What is found.
#[derive(Default)]
struct Page {
    objects: Vec<(String, Object)>,
    prefixes: Vec<String>,
    /// The last key or prefix told, if there is more.
    next: Option<String>,
}

impl Store {
    pub(super) async fn list_v2(
        &self,
        input: ListObjectsV2Input,
    ) -> Result<ListObjectsV2Output, S3Failure> {
        let encode = encoder(input.encoding_type.as_ref())?;
        let max_keys = max_keys(input.max_keys)?;
        let after = match &input.continuation_token {
            Some(token) => Some(read_token(token)?),
            None => input.start_after.clone(),
        };
        let page = self.page(Query {
            bucket: input.bucket.clone(),
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().filter(|d| !d.is_empty()),
            after,
            limit: usize::try_from(max_keys).unwrap_or_default(),
        });
        let page = page.await?;
        let owner = input.fetch_owner.unwrap_or_default().then(|| self.owner());
        let count = page.objects.len() + page.prefixes.len();
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encode(&input.prefix.unwrap_or_default())),
            max_keys: Some(max_keys),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key)),
            contents: Some(listed(page.objects, encode, owner.as_ref())),
            common_prefixes: Some(common(&page.prefixes, encode)),
            delimiter: input.delimiter.map(|d| encode(&d)),
            encoding_type: input.encoding_type,
            start_after: input.start_after.map(|key| encode(&key)),
            request_charged: None,
        })
    }

    async fn page(&self, query: Query) -> Result<Page, S3Failure> {
        self.read(move |connection| {
            rows::require_bucket(connection, &query.bucket)?;
            find(connection, &query)
        })
        .await
    }

    pub(super) fn owner(&self) -> Owner {
        Owner {
            display_name: None,
            id: Some(self.context.config.account.clone()),
        }
    }
}

/// Walks the keys in order; a common prefix is told once and jumped over, however many keys it holds.
fn find(connection: &Connection, query: &Query) -> Result<Page, S3Failure> {
    let mut page = Page::default();
    if query.limit == 0 {
        return Ok(page);
    }
    let mut statement = connection.prepare_cached(
        "SELECT * FROM s3_object WHERE bucket = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3) \
         ORDER BY key LIMIT ?4",
    )?;
    let end = successor(&query.prefix);
    let mut from = query.prefix.clone();
    if let Some(after) = &query.after {
        from = from.max(after_key(after, query));
    }
    let mut last = None;
    loop {
        let room = query.limit - page.objects.len() - page.prefixes.len();
        let wanted = i64::try_from(room + 1).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![query.bucket, from, end, wanted])?;
        let mut jumped = false;
        while let Some(row) = rows.next()? {
            if page.objects.len() + page.prefixes.len() == query.limit {
                page.next = last;
                return Ok(page);
            }
            let key: String = row.get("key")?;
            if let Some(group) = group_of(&key, query) {
                last = Some(group.to_owned());
                page.prefixes.push(group.to_owned());
                let Some(next) = successor(group) else {
                    return Ok(page);
                };
                from = next;
                jumped = true;
                break;
            }
            page.objects.push((key.clone(), Object::from_row(row)?));
            last = Some(key);
        }
        if !jumped {
            return Ok(page);
        }
    }
}

/// The common prefix that stands for a key: up to the first delimiter after the query's prefix.
fn group_of<'a>(key: &'a str, query: &Query) -> Option<&'a str> {
    let delimiter = query.delimiter.as_deref()?;
    let rest = key.strip_prefix(&query.prefix)?;
    let at = rest.find(delimiter)?;
    Some(&key[..query.prefix.len() + at + delimiter.len()])
}

/// The first key that may follow `after`: past the whole group, if `after` is one.
fn after_key(after: &str, query: &Query) -> String {
    match group_of(after, query) {
        Some(group) if group == after => successor(after).unwrap_or_else(|| after.to_owned()),
        _ => format!("{after}\0"),
    }
}

/// The smallest text greater than every text that begins with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn read_token(token: &str) -> Result<String, S3Error> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
}

fn max_keys(asked: Option<i32>) -> Result<i32, S3Error> {
    match asked {
        None => Ok(MAX_KEYS),
        Some(n @ 0..) => Ok(n.min(MAX_KEYS)),
        Some(_) => Err(s3_error!(
            InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647"
        )),
    }
}

/// How keys are written into the answer; XML cannot hold every key as it is.
pub(super) fn encoder(encoding: Option<&EncodingType>) -> Result<fn(&str) -> String, S3Error> {
    match encoding.map(EncodingType::as_str) {
        None => Ok(str::to_owned),
        Some(EncodingType::URL) => Ok(encode_key),
        Some(_) => Err(s3_error!(
            InvalidArgument,
            "Invalid Encoding Method specified in Request"
        )),
    }
}

fn listed(
    objects: Vec<(String, Object)>,
    encode: fn(&str) -> String,
    owner: Option<&Owner>,
) -> Vec<Listed> {
    let told = |(key, object): (String, Object)| Listed {
        e_tag: Some(object.etag()),
        key: Some(encode(&key)),
        last_modified: Some(timestamp(object.modified_ms)),
        size: i64::try_from(object.size).ok(),
        storage_class: Some(ObjectStorageClass::from_static(
            ObjectStorageClass::STANDARD,
        )),
        owner: owner.cloned(),
        checksum_algorithm: Some(vec![algorithm(&object.checksum)]),
        checksum_type: Some(object.checksum.kind()),
        restore_status: None,
    };
    objects.into_iter().map(told).collect()
}

fn algorithm(checksum: &Checksum) -> s3s::dto::ChecksumAlgorithm {
    s3s::dto::ChecksumAlgorithm::from_static(checksum.algorithm.name())
}

fn common(prefixes: &[String], encode: fn(&str) -> String) -> Vec<CommonPrefix> {
    prefixes
        .iter()
        .map(|prefix| CommonPrefix {
            prefix: Some(encode(prefix)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_ends_a_prefix() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(successor("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(successor(""), None);
    }
}
