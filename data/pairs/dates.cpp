#include "data/pairs/dates.h"

#include <array>
#include <chrono>

#include "autograd/support/error.h"
#include "data/text/tokenizer.h"

namespace adjoint::data {
namespace {

using namespace std::chrono;

constexpr auto first_day = sys_days(year(1950) / January / 1);
constexpr auto end = sys_days(year(2050) / January / 1);

constexpr std::array months = {"January",   "February", "March",    "April",
                               "May",       "June",     "July",     "August",
                               "September", "October",  "November", "December"};
constexpr std::array weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};

// What the forms are made of.
struct Date {
  int year;
  unsigned month, day;
  std::string weekday;

  explicit Date(sys_days date) : weekday(weekdays.at(std::chrono::weekday(date).c_encoding())) {
    const year_month_day parts = date;
    year = static_cast<int>(parts.year());
    month = static_cast<unsigned>(parts.month());
    day = static_cast<unsigned>(parts.day());
  }

  std::string name() const { return months.at(month - 1); }
  std::string short_name() const { return name().substr(0, 3); }
};

std::string two_digits(unsigned value) { return text_from(value / 10, value % 10); }

std::string short_year(int year) { return two_digits(static_cast<unsigned>(year % 100)); }

// 1st, 2nd, 3rd, 4th, …, 11th, …
std::string ordinal(unsigned day) {
  const bool teens = day / 10 == 1;
  const unsigned last = day % 10;
  const char* ending = teens ? "th" : last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
  return text_from(day, ending);
}

constexpr std::array date_forms = {
    +[](const Date& d) { return text_from(d.day, ' ', d.name(), ' ', d.year); },
    +[](const Date& d) { return text_from(d.name(), ' ', d.day, ", ", d.year); },
    +[](const Date& d) { return text_from("the ", ordinal(d.day), " of ", d.name(), ' ', d.year); },
    +[](const Date& d) { return text_from(d.weekday, ", ", d.name(), ' ', d.day, ", ", d.year); },
    +[](const Date& d) {
      return text_from(d.weekday.substr(0, 3), ' ', d.day, ' ', d.short_name(), ' ', d.year);
    },
    +[](const Date& d) { return text_from(d.day, '-', d.short_name(), '-', short_year(d.year)); },
    +[](const Date& d) { return text_from(d.day, '/', d.month, '/', short_year(d.year)); },
    +[](const Date& d) {
      return text_from(two_digits(d.day), '.', two_digits(d.month), '.', d.year);
    },
};

std::string iso_8601(const Date& d) {
  return text_from(d.year, '-', two_digits(d.month), '-', two_digits(d.day));
}

}  // namespace

Pair draw_dates(const TaskOptions&, Key key) {
  const auto draw_below = [&](std::int64_t count, const char* what) {
    return random_integers({}, 0, count, key.child(what)).values<Index>()[0];
  };
  const Date date(first_day + days(draw_below((end - first_day).count(), "day")));
  const auto form =
      date_forms.at(static_cast<std::size_t>(draw_below(std::ssize(date_forms), "form")));
  const Tokenizer characters = {.kind = Tokenizer::Kind::characters};
  return {characters.tokenize(form(date)), characters.tokenize(iso_8601(date))};
}

double count_dates(const TaskOptions&) {
  return static_cast<double>((end - first_day).count()) * static_cast<double>(date_forms.size());
}

}  // namespace adjoint::data
