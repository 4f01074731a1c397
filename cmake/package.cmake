# `make deb`: a Debian package of what `make install` installs, below /usr, with the user, the service and the model in place.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tftd)
set(CPACK_PACKAGE_VENDOR "the tftd project")
set(CPACK_PACKAGE_CONTACT "the tftd project <tftd@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "forecasts of server metrics, risk and alerts")
set(CPACK_PACKAGE_DESCRIPTION "A daemon that takes metrics of servers, forecasts them 8 hours ahead with a Temporal Fusion
Transformer, and serves quantiles, incident probabilities, risk scores and alerts over HTTP, with a dashboard.
 With it come libtft, the C library that trains and runs such networks, a trained model, Prometheus rules and a Grafana board.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser | systemd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, prometheus-alertmanager")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/debian/postinst;${CMAKE_SOURCE_DIR}/packaging/debian/prerm;${CMAKE_SOURCE_DIR}/packaging/debian/postrm")
include(CPack)
