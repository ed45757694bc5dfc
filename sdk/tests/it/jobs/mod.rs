//! The lives of jobs, through the real handler.

mod batches;
mod limits;
mod redrives;
mod uniques;
mod waits;

use serde_json::Value;

use crate::support::{Answer, Fixture};

impl Fixture {
    /// Creates a job and gives its id.
    async fn create(&self, body: Value) -> String {
        let created = self.post("/v1/sys/job", &body).await;
        assert_eq!(created.status.as_u16(), 201, "{}", created.text);
        created.body["id"].as_str().unwrap().to_owned()
    }

    /// A job as it is when it has ended, or when so many milliseconds have passed.
    async fn wait(&self, id: &str, millis: &str) -> Answer {
        self.get(&format!("/v1/sys/job/{id}?wait={millis}")).await
    }

    /// A job when it has ended.
    async fn done(&self, id: &str) -> Value {
        let answer = self.wait(id, "20000").await;
        assert!(answer.body["completedAt"].is_string(), "it ends: {}", answer.text);
        answer.body
    }
}
