//! The whole file.

use std::fmt::Write as _;

use anyhow::Result;
use syscall_sdk::registry::{Data, RegistryFile};

use super::service;
use super::variables::{SECRETS, quoted};
use crate::workspace::Workspace;

/// What stands above the services, for any registry.
const HEAD: &str = "\
// Rendered by `blackroad railway render` from registry.toml and the cargo graph: change those, and render again.
// `npm install --prefix railway`, then `railway config plan` shows what it would change; docs/how-to/deploy-to-railway.md.
";

/// Names the port beside the host, since a URL without it is refused on the private network.
const AT: &str = r#"/** Where a service listens on the private network. */
const at = (name: string) => `http://\${{${name}.RAILWAY_PRIVATE_DOMAIN}}:\${{${name}.PORT}}`;

type Variables = Record<string, string | ReturnType<typeof preserve>>;

"#;

/// The file's text: the same for the same registry and graph.
pub(super) fn text(file: &RegistryFile, workspace: &Workspace) -> Result<String> {
    let deploy = &file.deploy;
    let has_database = file.service.iter().any(|service| service.data == Data::Postgres);
    let has_volume = file.service.iter().any(|service| service.data == Data::Volume);
    let mut names = vec!["defineRailway", "github", "preserve", "project", "service"];
    if has_database {
        names.push("postgres");
    }
    if has_volume {
        names.push("volume");
    }
    names.sort_unstable();

    let mut out = HEAD.to_owned();
    let _ = writeln!(out, "import {{ {} }} from \"railway/iac\";\n", names.join(", "));
    out.push_str(AT);
    out.push_str("export default defineRailway((ctx) => {\n");
    let project = &file.railway_project;
    let _ = writeln!(
        out,
        "  // What this file does not name is deleted where it is applied: in another project that would be everything.\n  \
         if (ctx.projectId !== undefined && ctx.projectId !== {id}) {{\n    \
         throw new Error(`the fleet's project is {project}, and this is ${{ctx.projectId}}: link the other one`);\n  }}\n  \
         // And in an environment that does not say its name, every service would lose its data.\n  \
         if (!ctx.environment) {{\n    \
         throw new Error(\"no environment is linked: `railway environment NAME` links one\");\n  }}",
        id = quoted(project),
    );
    out.push_str(
        "  const production = ctx.environment === \"production\";\n  \
         const staging = ctx.environment === \"staging\";\n  \
         const development = ctx.environment === \"development\";\n  \
         // Every other environment is a pull request's: it keeps nothing, and no secret is known there.\n  \
         const lasting = production || staging || development;\n\n",
    );
    let repository = format!("{}/{}", file.organisation, deploy.repository);
    let _ = writeln!(
        out,
        "  const source = github({}, {{ branch: {}, checkSuites: true }});",
        quoted(&repository),
        quoted(&deploy.branch)
    );
    let region = deploy
        .region
        .as_ref()
        .map_or_else(String::new, |region| format!(", {{ region: {} }}", quoted(region)));
    if has_database {
        let _ = writeln!(out, "  const database = postgres(\"postgres\"{region});");
    }
    if has_volume {
        out.push_str("  const data = {\n");
        for service in file.service.iter().filter(|service| service.data == Data::Volume) {
            let name = quoted(&service::volume(service));
            let _ = writeln!(out, "    {}: volume({name}{region}),", quoted(&service.key));
        }
        out.push_str("  };\n");
    }
    let secrets: String = SECRETS
        .iter()
        .map(|name| format!("        {name}: preserve(),\n"))
        .collect();
    let _ = writeln!(
        out,
        "  const common: Variables = lasting\n    ? {{\n        ENVIRONMENT: ctx.environment,\n        SYSCALL_AUTH: \"required\",\n{secrets}      }}\n    \
         : {{ ENVIRONMENT: \"staging\", SYSCALL_AUTH: \"open\", AMNESIA: \"true\" }};\n  \
         const kept = (variables: Variables): Variables => (lasting ? variables : {{}});\n"
    );
    out.push_str("  const services = [\n");
    for record in &file.service {
        out.push_str(&service::text(file, workspace, record)?);
    }
    out.push_str("  ];\n\n");
    let mut kept = Vec::new();
    if has_database {
        kept.push("database");
    }
    if has_volume {
        kept.push("...Object.values(data)");
    }
    let _ = writeln!(
        out,
        "  return project(ctx.projectName ?? {}, {{\n    resources: [...services, ...(lasting ? [{}] : [])],\n  }});\n}});",
        quoted(&deploy.repository),
        kept.join(", ")
    );
    Ok(out)
}
