//! The query protocol's form: lists and maps spelt out in the names of its fields.

use std::collections::BTreeMap;

/// The fields of a request.
pub(crate) struct Form(pub(crate) BTreeMap<String, String>);

impl Form {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The fields below `prefix.1.`, `prefix.2.` and so on.
    pub(crate) fn list(&self, prefix: &str) -> Vec<Self> {
        let item = |index: usize| self.below(&format!("{prefix}.{index}"));
        (1..=self.0.len())
            .map(item)
            .take_while(|item| !item.0.is_empty())
            .collect()
    }

    /// The values `prefix.1`, `prefix.2` and so on.
    pub(crate) fn values(&self, prefix: &str) -> Vec<String> {
        (1..=self.0.len())
            .map_while(|index| self.0.get(&format!("{prefix}.{index}")).cloned())
            .collect()
    }

    /// A map whose entries have a field for the key and one for the value.
    pub(crate) fn map(&self, prefix: &str, key: &str, value: &str) -> BTreeMap<String, String> {
        let entries = self.list(prefix).into_iter();
        let pairs =
            entries.filter_map(|mut entry| Some((entry.0.remove(key)?, entry.0.remove(value)?)));
        pairs.collect()
    }

    fn below(&self, prefix: &str) -> Self {
        let prefix = format!("{prefix}.");
        let fields = self
            .0
            .range(prefix.clone()..)
            .take_while(|(name, _)| name.starts_with(&prefix));
        Self(
            fields
                .map(|(name, value)| (name[prefix.len()..].to_owned(), value.clone()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_are_read_in_order() {
        let fields: Vec<(String, String)> = (1..=11)
            .flat_map(|n| {
                [
                    (format!("Tags.member.{n}.Key"), format!("k{n}")),
                    (format!("Tags.member.{n}.Value"), format!("v{n}")),
                ]
            })
            .collect();
        let form = Form(fields.into_iter().collect());
        let tags = form.map("Tags.member", "Key", "Value");
        assert_eq!(tags.len(), 11);
        assert_eq!(tags["k11"], "v11");
        assert!(form.list("Other.member").is_empty());
    }
}
