use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::wire::Timestamp;

const HOSTILE: &str = "<script>alert(\"1\")</script>' onload='x";

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a moment")
}

#[test]
fn every_part_escapes_what_it_is_given() {
    let parts = [
        status_mark(Status::Down, HOSTILE),
        status_label(Status::Down, HOSTILE),
        badge(Tone::Bad, HOSTILE),
        id(HOSTILE, Some(HOSTILE)),
        as_command(HOSTILE, HOSTILE),
        empty_state(HOSTILE, HOSTILE),
        error_state(Failure {
            what: HOSTILE,
            whose: HOSTILE,
            next: HOSTILE,
            trace: Some((HOSTILE, HOSTILE)),
            retry: Some(HOSTILE),
        }),
        partial(&[HOSTILE], 9),
        pager(HOSTILE, Some(HOSTILE), Some(HOSTILE)),
        facts([(HOSTILE, Html::text(HOSTILE))]),
        stat(HOSTILE, HOSTILE, &Html::text(HOSTILE)),
        tabs(
            HOSTILE,
            &[Tab {
                label: HOSTILE,
                href: HOSTILE,
                current: true,
            }],
        ),
        code_block(HOSTILE, HOSTILE),
        Table::new(HOSTILE)
            .live_id(HOSTILE)
            .stacked()
            .growing(3)
            .column(HOSTILE)
            .keyed_row(HOSTILE, [Html::text(HOSTILE)])
            .html(),
        Html::trusted(
            Frame::new(HOSTILE, HOSTILE)
                .mounted(HOSTILE, HOSTILE, HOSTILE)
                .path(HOSTILE)
                .palette(HOSTILE)
                .live(HOSTILE)
                .version(HOSTILE)
                .fleet(vec![FleetMark {
                    name: HOSTILE.into(),
                    status: Status::Healthy,
                    href: HOSTILE.into(),
                }])
                .nav(vec![NavGroup {
                    label: HOSTILE.into(),
                    links: vec![NavLink {
                        label: HOSTILE.into(),
                        href: HOSTILE.into(),
                        current: true,
                    }],
                }])
                .render(Html::default()),
        ),
    ];
    for part in parts {
        assert!(!part.as_str().contains("<script>"), "{part}");
        assert!(!part.as_str().contains("' onload"), "{part}");
    }
}

#[test]
fn no_page_has_inline_script_or_style() {
    let page = Frame::new("Jobs", "staging")
        .live("/_live")
        .updated(Timestamp(moment()))
        .render(live_controls());
    assert!(!page.contains(" style="));
    assert!(!page.contains("<style"));
    assert!(!page.contains(" onclick="));
    assert_eq!(
        page.matches("<script ").count(),
        page.matches("<script src=\"/_assets/").count() + 1
    );
}

#[test]
fn the_path_is_a_breadcrumb_of_links() {
    let page = Frame::new("Job", "production")
        .mounted("https://blackroad.systems/", "core", "https://core.blackroad.systems/")
        .path("/jobs/018f4a6e-3b1c-7c2e-9d0a-5f6b7c8d9e0f?tab=attempts")
        .render(Html::default());
    assert!(page.contains(r#"<a href="https://core.blackroad.systems/jobs">jobs</a>"#));
    assert!(page.contains(
        r#"<a href="https://core.blackroad.systems/jobs/018f4a6e-3b1c-7c2e-9d0a-5f6b7c8d9e0f" aria-current="page" title="018f4a6e-3b1c-7c2e-9d0a-5f6b7c8d9e0f">018f4a6e…</a>"#
    ));
}

#[test]
fn an_assets_path_changes_with_its_bytes_and_finds_it() {
    for asset in ASSETS {
        let path = asset_path(asset.name);
        assert_eq!(find_asset(&path).map(|found| found.name), Some(asset.name));
        assert!(
            path.starts_with(ASSET_PREFIX) && path != format!("{ASSET_PREFIX}{}", asset.name),
            "{path}"
        );
    }
    assert!(find_asset("/_assets/app.00000000.css").is_none());
    assert!(find_asset(&asset_path("nothing.css")).is_none());
}

#[test]
fn a_distance_is_said_in_the_largest_unit_that_counts() {
    let words = |seconds| {
        let html = ago(Timestamp(moment() - TimeDelta::seconds(seconds)), moment()).into_string();
        html.trim_end_matches("</time>").to_owned()
    };
    assert!(words(0).ends_with("now"));
    assert!(words(3).ends_with("3 s ago"));
    assert!(words(150).ends_with("2 min ago"));
    assert!(words(7_200).ends_with("2 h ago"));
    assert!(words(864_000).ends_with("10 d ago"));
    assert!(words(-30).ends_with("in 30 s"));
}

#[test]
fn all_services_answering_is_no_notice() {
    assert!(partial(&[], 9).is_empty());
    assert!(
        partial(&["api", "docs"], 9)
            .as_str()
            .contains("2 of 9 services did not answer: <b>api</b>, <b>docs</b>.")
    );
}

#[test]
fn times_are_said_in_full_with_their_zone() {
    let html = time(Timestamp(moment())).into_string();
    assert!(html.contains(r#"datetime="2026-09-21T14:13:20.000Z""#), "{html}");
    assert!(html.contains("2026-09-21 14:13:20"), "{html}");
}
