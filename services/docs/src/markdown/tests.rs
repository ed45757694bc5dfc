use super::{headings, render};

fn check(markdown: &str, expected: &str) {
    assert_eq!(
        render(markdown, &|target| Some(target.to_owned())).html.trim_end(),
        expected
    );
}

#[test]
fn a_page_has_a_title_headings_with_anchors_and_sections() {
    let page = render(
        "# The title\n\nBegins.\n\n## One `two`\n\nMore\nwords.\n\n## One two\n",
        &|_| None,
    );
    assert_eq!((page.title.as_str(), page.lede.as_str()), ("The title", "Begins."));
    assert_eq!(
        page.html,
        "<h1 id=\"the-title\">The title</h1>\n<p>Begins.</p>\n\
         <h2 id=\"one-two\">One <code>two</code><a class=\"anchor\" href=\"#one-two\" aria-label=\"Link to One two\">#</a></h2>\n\
         <p>More\nwords.</p>\n\
         <h2 id=\"one-two-1\">One two<a class=\"anchor\" href=\"#one-two-1\" aria-label=\"Link to One two\">#</a></h2>\n"
    );
    let texts: Vec<_> = page.sections.iter().map(|section| section.text.as_str()).collect();
    assert_eq!(texts, ["Begins.", "More words.", ""]);
    let ids: Vec<_> = page.headings.iter().map(|heading| heading.id.clone()).collect();
    assert_eq!(ids, ["one-two", "one-two-1"]);
}

#[test]
fn the_headings_alone_are_those_of_the_whole() {
    let markdown = "# A\n\n## B & `c`\n\n### B c\n\n## B & `c`\n";
    let ids: Vec<String> = headings(markdown)
        .into_iter()
        .skip(1)
        .map(|heading| heading.id)
        .collect();
    let whole: Vec<String> = render(markdown, &|_| None)
        .headings
        .into_iter()
        .map(|heading| heading.id)
        .collect();
    assert_eq!(ids, whole);
}

#[test]
fn markup_is_shown_and_comments_are_not() {
    check("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>");
    check("<script>x</script>\n", "<p>&lt;script&gt;x&lt;/script&gt;\n</p>");
    check("a <!-- not this --> b", "<p>a  b</p>");
}

#[test]
fn tables_scroll_and_numbers_stand_right() {
    check(
        "| a | b |\n|---|--:|\n| c | 1 |\n",
        "<div class=\"table-scroll\" role=\"region\" aria-label=\"Table\" tabindex=\"0\"><table>\n\
         <thead><tr><th scope=\"col\">a</th><th scope=\"col\" class=\"number\">b</th></tr></thead>\n<tbody>\n\
         <tr><td>c</td><td class=\"number\">1</td></tr>\n</tbody></table></div>",
    );
}

#[test]
fn tasks_strikes_alerts_and_footnotes_are_github_s() {
    check(
        "- [x] a\n- [ ] ~~b~~\n",
        "<ul>\n<li><input type=\"checkbox\" disabled checked aria-label=\"done\"> a</li>\n\
         <li><input type=\"checkbox\" disabled aria-label=\"to do\"> <del>b</del></li>\n</ul>",
    );
    let alert = render("> [!WARNING]\n> Mind.\n", &|_| None).html;
    assert!(
        alert.starts_with("<div class=\"notice alert tone-warn\" role=\"note\">"),
        "{alert}"
    );
    assert!(
        alert.ends_with("<p class=\"alert-name\">Warning</p>\n<p>Mind.</p>\n</div></div>\n"),
        "{alert}"
    );
    check(
        "a[^n]\n\n[^n]: b\n",
        "<p>a<sup id=\"note-1-from\"><a href=\"#note-1\" aria-label=\"Note 1\">1</a></sup></p>\n\
         <div class=\"footnote\" id=\"note-1\" role=\"note\"><a class=\"footnote-back\" href=\"#note-1-from\" aria-label=\"Back from note 1\">1.</a>\
         <p>b</p>\n</div>",
    );
}

#[test]
fn bare_urls_are_links_outside_code_and_links() {
    check(
        "https://a.example, `https://b.example` and [https://c.example](d)",
        "<p><a href=\"https://a.example\">https://a.example</a>, <code>https://b.example</code> and <a href=\"d\">https://c.example</a></p>",
    );
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let page = render("[a](gone.md) ![b](gone.svg)", &|_| None);
    assert_eq!(page.broken, ["gone.md", "gone.svg"]);
    assert_eq!(page.html, "<p><a class=\"is-broken\">a</a> b</p>\n");
}

#[test]
fn code_is_coloured_and_can_be_copied() {
    let page = render("```json\n{\"a\": 1}\n```\n", &|_| None);
    assert!(page.html.contains("data-copy"), "{}", page.html);
    assert!(page.html.contains("<span class=\"hl-n\">1</span>"), "{}", page.html);
    assert_eq!(page.sections[0].text, "{\"a\": 1}");
}
