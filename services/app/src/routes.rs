//! The one list of what app answers.

use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::http::{Html, pages};
use syscall_sdk::service::{Route, Routes};

use crate::shell;

pub(crate) fn routes() -> Routes {
    pages::asset_routes(shell::ASSETS).with(
        Route::get("/", Access::Session, desk)
            .says("The shell: every service in a window.")
            .page(),
    )
}

async fn desk(context: Context) -> Html {
    Html(shell::page(&context).await)
}
