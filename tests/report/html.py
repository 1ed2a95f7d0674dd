"""A page as a tree, read by a parser that forgives nothing."""

from html.parser import HTMLParser

EMPTY = {"meta", "link", "img"}


class Node:
    """An element: its name, its attributes, and what is in it."""

    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent = name, attributes, parent
        self.inside = []

    def all(self, *names):
        """The elements of these names in it, or all, in their order."""
        for child in self.inside:
            if isinstance(child, Node):
                if not names or child.name in names:
                    yield child
                yield from child.all(*names)

    def one(self, name, **attributes):
        """The only such element."""
        found = [
            node
            for node in self.all(name)
            if all(
                node.attributes.get(key.strip("_")) == value for key, value in attributes.items()
            )
        ]
        assert len(found) == 1, f"{len(found)} of {name} {attributes}"
        return found[0]

    @property
    def text(self):
        """All text in it."""
        return "".join(c.text if isinstance(c, Node) else c for c in self.inside)

    def rows(self):
        """The cells of a table, each row's heading first."""
        body = next(self.all("tbody"))
        return [[cell.text for cell in row.all("th", "td")] for row in body.all("tr")]


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("", {}, None)

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        node = Node(tag, dict(attrs), self.at)
        self.at.inside.append(node)
        if tag not in EMPTY:
            self.at = node

    def handle_startendtag(self, tag, attrs):
        raise AssertionError(f"{tag} is closed as in XML")

    def handle_endtag(self, tag):
        assert tag == self.at.name, f"{tag} ends inside {self.at.name}"
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.inside.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")


def parsed(page):
    """The tree of a page, each of whose elements ends where it must."""
    parser = _Parser()
    parser.feed(page.decode("utf-8"))
    parser.close()
    assert parser.at is parser.root, f"{parser.at.name} has no end"
    return parser.root
