"""Which lines of the list of differences a path in a template is of."""

import pytest

from twinvault_verdict import committed, stages


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        pytest.param("Resources.*.Properties.Name", True, id="as many steps"),
        pytest.param("Resources.*.Properties", False, id="fewer"),
        pytest.param("Resources.**", True, id="all below"),
        pytest.param("Resources.Records.Properties.Name.**", True, id="all below, and there is nothing"),
        pytest.param("**", True, id="everything"),
        pytest.param("Outputs.**", False, id="all below another"),
    ],
)
def test_a_line_is_about_a_path_or_all_that_is_below_it(pattern, matches):
    assert committed.path_matches(("Resources", "Records", "Properties", "Name"), pattern) is matches


def test_which_tls_a_name_takes_is_no_permission():
    path = ("Resources", "Domain", "Properties", "DomainNameConfigurations", "0", "SecurityPolicy")
    assert not stages.is_about_permissions(path, {})
    assert stages.is_about_permissions((*path[:-1], "ResourcePolicy"), {})
