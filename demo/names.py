"""Invented people: names and places from which no real person is made. The places are real, so that their postcodes are."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


FIRST_NAMES = {
    "NL": _listed(
        "Anna, Bram, Carla, Daan, Eva, Floris, Geertje, Hugo, Ilse, Jeroen, Karin, Lars, Maaike, Niels, Olga, Pieter, Quirine, Ruben, "
        "Sanne, Teun, Ulrike, Victor, Willemijn, Xander, Yvonne, Zeno, Fatma, Mohamed, Aylin, Youssef, Priya, Ravi, Naomi, Marieke, "
        "Joris, Femke, Thijs, Lotte, Sietske, Wouter, Anouk, Gijs, Hanneke, Koen, Loes, Matthijs, Noor, Sjoerd, Tessa, Zoë"
    ),
    "BE": _listed(
        "Amélie, Baptiste, Céline, Dries, Elke, Frederik, Gaëlle, Hendrik, Inès, Jef, Katrien, Lieven, Marie, Noémie, Olivier, Pascale"
    ),
    "DE": _listed("Antje, Björn, Clara, Dieter, Elke, Frank, Grete, Heiko, Ingrid, Jürgen, Katja, Lutz, Monika, Norbert, Petra, Rainer"),
}
LAST_NAMES = {
    "NL": _listed(
        "de Boer, van den Berg, Visser, Bakker, Smit, Dekker, Mulder, Brouwer, van Dam, Postma, Hoekstra, Jansen, Kuipers, van der Meer, "
        "Veenstra, Peters, Hendriks, Vos, Schouten, Yılmaz, el Amrani, Sharma, Willems, Koster, Prins, Blom, van Loon, Groen, Kok, "
        "Zijlstra, Maas, ten Have"
    ),
    "BE": _listed("Peeters, Claes, Dubois, Lambert, Maes, Jacobs, Mertens, Leroy, De Smet, Goossens, Simon, Wouters, Lefèvre, Dumont"),
    "DE": _listed("Müller, Schäfer, Koch, Richter, Klein, Wolf, Neumann, Schröder, Zimmermann, Krüger, Hartmann, Lange"),
}
STREETS = {
    "NL": _listed(
        "Dorpsstraat, Kerkstraat, Molenweg, Lindelaan, Julianastraat, Beukenlaan, Havenkade, Parkweg, Prinsengracht, Schoolstraat"
    ),
    "BE": _listed("Kerkstraat, Stationsstraat, Molenstraat, Veldstraat, Rue de la Gare, Rue du Moulin, Nieuwstraat, Kapellestraat"),
    "DE": _listed("Hauptstraße, Bahnhofstraße, Gartenweg, Lindenallee, Schulstraße, Am Markt, Mühlenweg"),
}
# A town, and the first and last of its postcodes (their digits) that are drawn from.
TOWNS = {
    "NL": (
        ("Amsterdam", 1011, 1098),
        ("Rotterdam", 3011, 3089),
        ("Utrecht", 3511, 3585),
        ("Den Haag", 2511, 2597),
        ("Groningen", 9711, 9747),
        ("Eindhoven", 5611, 5658),
        ("Zwolle", 8011, 8045),
        ("Arnhem", 6811, 6846),
        ("Maastricht", 6211, 6229),
        ("Leiden", 2311, 2334),
        ("Middelburg", 4331, 4337),
        ("Leeuwarden", 8911, 8939),
    ),
    "BE": (("Gent", 9000, 9000), ("Antwerpen", 2000, 2060), ("Brugge", 8000, 8000), ("Leuven", 3000, 3000), ("Namur", 5000, 5000)),
    "DE": (("Kleve", 47533, 47533), ("Aachen", 52062, 52080), ("Bocholt", 46395, 46399), ("Nordhorn", 48527, 48531)),
}
