//! Tests of several modules together.

mod changed_indexes;
mod clips;
mod plan_properties;
mod remuxed_plans;
#[path = "../../tests/support/mod.rs"]
pub(crate) mod support;
