//! What a person is told who gives a command wrongly: each line of `usage/*.trycmd`, with its exit status.

#[test]
fn wrong_usages_are_answered_by_a_sentence() {
    let cases = trycmd::TestCases::new();
    // No system of the machine that tests, and no account: each case stands for itself.
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "RUST_LOG"] {
        cases.env(name, "");
    }
    cases.env("FOTOGRAMA_DATA_DIR", "nowhere");
    cases.case("tests/usage/*.trycmd");
}
