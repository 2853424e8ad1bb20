use std::sync::Arc;
use std::time::Duration;

use fotograma::aws::{Aws, CognitoIdentity, SqsQueue, provision};
use fotograma_core::features::TABLE;
use fotograma_core::features::resources::{UPLOAD_QUEUE, VIDEO_QUEUE};
use fotograma_core::ports::Identity;
use lambda_anywhere::worker::Queue;

use super::world::{PAGE, World, settings};

#[tokio::test]
async fn all_is_made_once_and_found_again() {
    let world = World::empty().await;
    let pages = [PAGE.to_owned()];
    provision::provision(&world.aws, TABLE, &pages)
        .await
        .expect("all is made");
    let (pool, client) = (world.aws.user_pool_id().await, world.aws.client_id().await);

    let again = Arc::new(Aws::new(settings(world.local.url())).await);
    provision::provision(&again, TABLE, &pages)
        .await
        .expect("all is there");
    assert_eq!(
        (again.user_pool_id().await, again.client_id().await),
        (pool, client)
    );
    assert_eq!(world.aws.topic_arn().await, again.topic_arn().await);
    let pools = again
        .cognito()
        .list_user_pools()
        .max_results(60)
        .send()
        .await
        .expect("pools");
    assert_eq!(pools.user_pools().len(), 1);

    let uploads = SqsQueue::new(Arc::clone(&again), UPLOAD_QUEUE);
    let (wait, hidden) = (Duration::from_secs(5), Duration::from_secs(30));
    world.local.clock().advance(Duration::from_secs(15));
    let told = uploads.receive(10, wait, hidden).await.expect("an answer");
    assert_eq!(
        told.len(),
        1,
        "one test event of the bucket, from when it was made"
    );

    let (name, password, email) = provision::DEMO_USER;
    let identity = CognitoIdentity::new(again);
    identity
        .login(name, password)
        .await
        .expect("the demo user can log in");
    assert_eq!(identity.email(name).await, Ok(Some(email.to_owned())));
}

#[tokio::test]
async fn a_restart_keeps_what_was_changed_since() {
    let world = World::new().await;
    let (name, _, _) = provision::DEMO_USER;
    let pool = world.aws.user_pool_id().await.expect("a pool");
    let set = world
        .aws
        .cognito()
        .admin_set_user_password()
        .user_pool_id(pool)
        .username(name);
    set.password("Outra456#")
        .permanent(true)
        .send()
        .await
        .expect("a new password");
    provision::provision(&world.aws, TABLE, &[])
        .await
        .expect("all is there");
    let identity = CognitoIdentity::new(Arc::clone(&world.aws));
    identity
        .login(name, "Outra456#")
        .await
        .expect("the new password is kept");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let world = World::empty().await;
    let error = world
        .aws
        .queue_url(VIDEO_QUEUE)
        .await
        .expect_err("no queue");
    assert!(
        error.to_string().contains("tech5-dev-video-queue"),
        "{error}"
    );
    let error = world.aws.topic_arn().await.expect_err("no topic");
    assert!(
        error.to_string().contains("tech5-dev-video-topic"),
        "{error}"
    );
    let error = world.aws.client_id().await.expect_err("no pool");
    assert!(error.to_string().contains("tech5-dev-users"), "{error}");
}
