"""allybin policy, systems, customers: what is shipped, to read and to check."""

import sys

from app.catalogue import (
    find_customers,
    find_systems,
    load_catalogue,
    nearest,
)
from app.commands.screen import note, say, show, table
from app.policies import policy_text, read_policy, shipped_policies


def list_policies() -> None:
    """Print the shipped policies, the default first."""
    rows = [(name, read_policy(name).title) for name in shipped_policies()]
    show(table((("Policy", False), ("Title", False)), rows))


def show_policy(name: str) -> None:
    """Print a shipped policy as TOML."""
    sys.stdout.write(policy_text(name))


def check_policy(path: str) -> None:
    """Read a policy file and say what it holds; every fault is raised together."""
    policy = read_policy(path)
    say(
        f"{path} is a sound policy: {policy.name}, {len(policy.categories)} "
        f"categories, {len(policy.stages)} stages, SHA-256 {policy.sha256}."
    )


def list_customers(query: str) -> None:
    """Print the customers whose code, name, alias or region holds the query."""
    found = find_customers(query)
    if not found:
        names = (customer.name for customer in load_catalogue().customers.values())
        _note_nearest("customer", query, nearest(query, names))
        return
    show(
        table(
            [
                (heading, False)
                for heading in ("Code", "ISO", "SAMM", "Customer", "Region", "Aliases")
            ],
            (
                (
                    customer.code,
                    customer.alpha2,
                    customer.samm_code,
                    customer.name,
                    customer.planning_region,
                    "; ".join(customer.aliases),
                )
                for customer in found
            ),
        )
    )


def list_systems(query: str) -> None:
    """Print the systems whose family, alias, area or group holds the query."""
    found = find_systems(query)
    if not found:
        _note_nearest("system", query, nearest(query, load_catalogue().systems))
        return
    headings = ("System", "Area", "Agency", "Interoperability groups", "Aliases")
    show(
        table(
            [(heading, False) for heading in headings],
            (
                (
                    system.family,
                    system.capability_area,
                    system.implementing_agency,
                    "; ".join(sorted(system.groups)),
                    "; ".join(system.aliases),
                )
                for system in found
            ),
        )
    )


def _note_nearest(thing: str, query: str, near: tuple[str, ...]) -> None:
    note(f"No {thing} matches {query!r}; nearest: {', '.join(near)}.")
