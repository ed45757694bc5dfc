use super::*;

#[test]
fn what_is_committed_is_what_would_be_rendered_now() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkout = Checkout {
        registry: workspace::registry(&root).unwrap(),
        workspace: Workspace::load(&root).unwrap(),
        root,
    };
    for (path, fresh) in checkout.files().unwrap() {
        let committed = read(&checkout.root.join(path)).unwrap_or_default();
        assert!(
            committed == fresh,
            "{path} is not what registry.toml and the cargo graph say; `blackroad railway render` writes it anew"
        );
    }
}
