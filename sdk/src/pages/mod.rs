//! What every page of the fleet is made of: one frame, one style, one small script, charts drawn on the server.
//!
//! A service renders its content (askama templates, or the functions here), gives it to [`Frame::render`], serves
//! [`ASSETS`] with [`ASSET_CACHE_CONTROL`], and sends [`CONTENT_SECURITY_POLICY`] with every page.
//!
//! ```
//! use syscall_sdk::pages::{Frame, Html, Table, empty_state};
//! let jobs: Vec<(&str, u32)> = vec![("send-email", 2)];
//! let content = if jobs.is_empty() {
//!     empty_state("Jobs will be listed here.", "blackroad job create core send-email '{}'")
//! } else {
//!     let table = Table::new("Jobs").column("Name").numbers("Attempts");
//!     jobs.iter().fold(table, |table, (name, tries)| table.row([Html::text(name), Html::text(tries)])).html()
//! };
//! let page = Frame::new("Jobs", "development").path("/jobs").render(content);
//! assert!(page.contains("send-email"));
//! ```
//!
//! # Classes for content
//!
//! The functions of this module write their own; these are for templates.
//!
//! | class | use |
//! |---|---|
//! | `page-head` | a view's first lines: a block with `h1` and `p`, then `tools` |
//! | `tools` | controls in a row that wraps: [`live_controls`], buttons, [`as_command`] |
//! | `section`, `section-head` | a part of a view with an `h2`; its heading with something at the right |
//! | `stack` | children 16 px apart |
//! | `cards`, `card` | like things side by side; a framed block, or a link (`a.card`) |
//! | `columns` | two blocks side by side from 1,080 px on |
//! | `stats` | around [`stat`]: numbers of a view in one frame |
//! | `facts`, `facts is-list` | `dl` of `div`s: a grid of terms, or one a line |
//! | `table-scroll`, `is-stacked` | around every `table`; on a phone rows become cards by `td[data-label]` |
//! | `td.number`, `td.wide` | numbers at the right; the column that takes the rest and is cut |
//! | `mark is-healthy` (`-degraded`, `-down`, `-unknown`), `mark-label` | a shape in its colour; words beside it |
//! | `badge tone-good` (`-neutral`, `-info`, `-warn`, `-bad`) | a word in a small frame |
//! | `count` | a number behind a heading or a tab |
//! | `id`, `mono`, `quiet`, `unit` | ids; machine text; lesser text; a unit after a number |
//! | `quiet-text` | for screen readers only |
//! | `needs-script` | hidden where the script does not run |
//! | `button`, `is-first`, `is-bad`, `is-quiet`, `is-small`, `is-icon`, `is-off` | buttons and links like them: the main one, a destructive one, and so on |
//! | `who`, `who-menu` | who is signed in, in the top bar; what opens there |
//! | `form`, `field`, `label`, `choice`, `small.is-wrong` | a form; a label with its input; a box with its words; what is wrong with it |
//! | `filters`, `field is-wide` | fields above a table, in a row; the one that takes the rest |
//! | `tabs` | links to the views of one thing, the current one with `aria-current="page"` |
//! | `as-command`, `command`, `code-block` | how to get the same by hand; one line with a copy button; a text with one |
//! | `more` | `details` for what is seldom read |
//! | `terminal`, `prompt` | a dark block of a shell's lines; the prompt in the accent |
//! | `log` | a list of lines: `time`, level, words (three children a line) |
//! | `tail` | around a list that grows |
//! | `notice tone-warn`, `state state-empty`, `state state-error`, `skeleton`, `pager` | the designed states |
//! | `chart`, `spark`, `uptime`, `bars`, `waterfall` | written by [`chart`] |
//! | `document`, `prose`, `lede`, `anchor`, `toc` | a document beside its contents; its text; the link of a heading |
//! | `hl-k` `-t` `-f` `-s` `-n` `-c` `-p` `-a` `-r`, `line-mark` | code in colour: keyword, type, function, string, number, comment, punctuation, added, removed; a line to look at |
//! | `launcher`, `launcher-sign` | the shell's services: a list of links with a sign of two letters, `b` and `small` |
//! | `desk`, `window`, `window-bar`, `window-body`, `is-front`, `dock` | windows that tile; `desk is-free` places them by the properties `--x --y --w --h` |
//!
//! # Attributes that the script knows
//!
//! | attribute | effect |
//! |---|---|
//! | `data-live="URL"` | opens one `EventSource` a URL ([`Frame::live`] sets it on the body) |
//! | — event `{id}` | its data is markup that takes the place of the element of that id, changing only what differs |
//! | — event `{id}:add` | its data is rows to add to the element of that id; a row with a known `data-key` renews that row |
//! | — unnamed event | elements of its data take the places of those of the same ids |
//! | — event `beat`, `data-live-beat="15"` | a sign of life at least every so many seconds, or the stream counts as broken |
//! | — `?lastEventId=` | on a reconnect after a failure, the last id heard |
//! | `data-live-part` | looks stale while the stream is broken |
//! | `data-live-state`, `data-live-pause`, `data-live-updated` | where the state is said; the button that holds; around the time of the last message |
//! | `data-tail="end"` or `"start"`, `data-tail-most` | a list that grows there ([`Table::growing`]); rows wait behind "12 new" while the reader is elsewhere; the most rows kept (500) |
//! | `data-key` | which row is which, beside `id` |
//! | `form[data-action]` | is sent as JSON by fetch; a response of HTML renews the elements of its ids; a `done` event follows |
//! | — `data-method`, `data-field` | a method other than the form's; the one field whose value is the whole body |
//! | — `data-confirm`, `data-done`, `data-then`, `data-output` | a question before; words after; where to go after; the id of what shows the response |
//! | — `data-type="number"` or `"json"` on a field | what its text is |
//! | `meta[name="csrf-token"]` | is sent along as `X-CSRF-Token`; [`Frame::reader`] writes it, and a form without the script bears it as `csrf_token` |
//! | `data-copy`, `data-copy-scope` | a button that copies the `code` in its scope, or what its selector finds |
//! | `time[data-relative]` | how long ago, kept true |
//! | `data-palette-open`, `html[data-palette]` | opens the palette; where its entries are |
//! | `data-theme-switch` | the next of: as the system, light, dark |
//!
//! # What the script tells others
//!
//! | what | when |
//! |---|---|
//! | event `go` on the document, its detail a URL | something is chosen in the palette; a script that opens it by other means cancels the event |
//! | message `{shell: "page", title, href}` to the parent | a page that stands in the shell's window has loaded |
//! | message `{shell: "key", …}` to the parent | there, a key of the shell's was pressed: Alt+1…9, F6, or Escape outside a field |
//! | `html[data-framed]` | set in such a page, which then leaves out what the shell shows already |

mod assets;
pub mod chart;
mod frame;
mod html;
mod icon;
mod parts;
mod status;
mod table;
#[cfg(test)]
mod tests;

pub use assets::{
    ASSET_CACHE_CONTROL, ASSET_PREFIX, ASSETS, Asset, CONTENT_SECURITY_POLICY, OWN_ASSET_PREFIX, asset_path, find_asset,
};
pub use frame::{Crumb, FleetMark, Frame, NavGroup, NavLink, Reader};
pub use html::{Escaped, Html};
pub use icon::Icon;
pub use parts::{
    Failure, Tab, ago, as_command, badge, code_block, empty_state, error_state, facts, id, live_controls, notice,
    pager, partial, skeleton, stat, status_label, status_mark, tabs, time,
};
pub use status::{Status, Tone};
pub use table::Table;
