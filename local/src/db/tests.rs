use std::sync::Arc;

use rusqlite::ErrorCode;

use super::*;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS t (v INTEGER) STRICT;";

/// The two tables as this program wants them.
const BUCKETS: &str = crate::s3::SCHEMA;

fn open(folder: &tempfile::TempDir) -> Db {
    let path = folder.path().join("state.db");
    Db::open(&path, Durability::Crash, &[SCHEMA]).expect("a new database")
}

async fn add(db: &Db, value: i64) -> rusqlite::Result<usize> {
    db.write(move |c| c.execute("INSERT INTO t VALUES (?)", [value]))
        .await
}

async fn values(db: &Db) -> Vec<i64> {
    let read = db.read(|c| {
        c.prepare("SELECT v FROM t ORDER BY v")?
            .query_map([], |row| row.get(0))?
            .collect()
    });
    let values: rusqlite::Result<_> = read.await;
    values.expect("a read")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_seen_by_every_reader_and_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder);
    let writers = (0..500).map(|n| {
        let db = db.clone();
        tokio::spawn(async move {
            add(&db, n).await.expect("a write");
            assert!(values(&db).await.contains(&n));
        })
    });
    futures::future::try_join_all(writers)
        .await
        .expect("no writer panicked");
    db.close();
    assert_eq!(values(&open(&folder)).await, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failure_undoes_only_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder);
    // Three closures that share one commit, because all are queued before the first can end.
    let (good, bad, panicking) = tokio::join!(
        add(&db, 1),
        db.write(|c| {
            c.execute("INSERT INTO t VALUES (2)", [])?;
            Err::<(), _>(rusqlite::Error::QueryReturnedNoRows)
        }),
        db.write(|c| -> rusqlite::Result<()> {
            c.execute("INSERT INTO t VALUES (3)", [])?;
            panic!("on purpose")
        }),
    );
    assert!(good.is_ok());
    assert_eq!(bad, Err(rusqlite::Error::QueryReturnedNoRows));
    assert!(panicking.is_err());
    add(&db, 4).await.expect("the writer goes on");
    assert_eq!(values(&db).await, [1, 4]);
}

#[tokio::test]
async fn what_follows_a_commit_happens_even_if_the_caller_has_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder);
    let followed = Arc::new(tokio::sync::Notify::new());
    let then = Arc::clone(&followed);
    let write = db.write_then(
        |c| c.execute("INSERT INTO t VALUES (1)", []),
        move |_| then.notify_one(),
    );
    // Polled once, so that it is queued, and dropped.
    assert!(futures::FutureExt::now_or_never(write).is_none());
    followed.notified().await;
    assert_eq!(values(&db).await, [1]);
}

/// `SQLite` before 3.51.3 can damage a file in WAL mode that two connections write to.
#[tokio::test]
async fn only_the_writer_can_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder);
    for _ in 0..2 * READERS {
        let read: rusqlite::Result<usize> = db.read(|c| c.execute("DELETE FROM t", [])).await;
        let refused = read.expect_err("a reader");
        assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ReadOnly));
    }
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder);
    db.close();
    assert!(add(&db, 1).await.is_err());
}

#[tokio::test]
async fn a_file_of_an_older_program_is_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.db");
    let old = Connection::open(&path).expect("a file");
    old.execute_batch(
        "CREATE TABLE s3_bucket (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, cors TEXT,
             notification TEXT) STRICT, WITHOUT ROWID;
         INSERT INTO s3_bucket VALUES ('plain', 1, NULL, NULL), ('open', 2, '[1]', '[2]');",
    )
    .expect("the old tables");
    drop(old);
    for _ in 0..2 {
        let db = Db::open(&path, Durability::Crash, &[BUCKETS]).expect("migrated");
        let read = db.read(|c| {
            let sql = "SELECT bucket || name || value FROM s3_bucket_config ORDER BY name";
            c.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        });
        let configs: rusqlite::Result<Vec<String>> = read.await;
        assert_eq!(
            configs.expect("a read"),
            ["opencors[1]", "opennotification[2]"]
        );
        db.close();
    }
}

#[test]
fn a_file_of_a_newer_program_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.db");
    let newer = Connection::open(&path).expect("a file");
    let version = newer.pragma_update(None, "user_version", VERSION + 1);
    version.expect("a version");
    let refused = Db::open(&path, Durability::Crash, &[SCHEMA]);
    let refused = refused.err().expect("a refusal").to_string();
    assert!(
        refused.contains("is of version 3, and this program knows versions up to 2"),
        "{refused}"
    );
}
