package console

import "github.com/tokenbooth/tokenbooth/internal/operator"

// clientRoutes are the pages of API credentials and of users. The form for a new one is not below the list: there, every word may be
// somebody's id.
var clientRoutes = []route{
	{pattern: "GET /t/{tenant}/clients", right: operator.ReadClients, do: clientsList},
	{pattern: "GET /t/{tenant}/new-client", right: operator.ChangeClients, do: clientNew},
	{pattern: "POST /t/{tenant}/new-client", right: operator.ChangeClients, do: clientCreate},
	{pattern: "GET /t/{tenant}/clients/{id}", right: operator.ReadClients, do: clientShow},
	{pattern: "GET /t/{tenant}/clients/{id}/edit", right: operator.ChangeClients, do: clientEdit},
	{pattern: "POST /t/{tenant}/clients/{id}/edit", right: operator.ChangeClients, do: clientSave},
	{pattern: "POST /t/{tenant}/clients/{id}/disable", right: operator.ChangeClients, do: clientDisable},
	{pattern: "POST /t/{tenant}/clients/{id}/enable", right: operator.ChangeClients, do: clientEnable},
	{pattern: "POST /t/{tenant}/clients/{id}/revoke-tokens", right: operator.RevokeTokens, do: clientRevokeTokens},
	{pattern: "POST /t/{tenant}/clients/{id}/delete", right: operator.DeleteClients, do: clientDelete},
	{pattern: "POST /t/{tenant}/clients/{id}/drop-permissions", right: operator.ChangeClients, do: clientDropPermissions},
	{pattern: "POST /t/{tenant}/clients/{id}/rotate", right: operator.ChangeClients, do: clientRotate},
	{pattern: "POST /t/{tenant}/clients/{id}/retire", right: operator.ChangeClients, do: clientRetire},
	{pattern: "POST /t/{tenant}/clients/{id}/undo-rotation", right: operator.ChangeClients, do: clientUndoRotation},
	{pattern: "GET /t/{tenant}/clients/{id}/try", right: operator.ReadClients, do: clientTryForm},
	{pattern: "POST /t/{tenant}/clients/{id}/try", right: operator.ReadClients, do: clientTry},
	{pattern: "POST /t/{tenant}/clients/{id}/download", right: operator.ReadClients, do: clientDownload},

	{pattern: "GET /t/{tenant}/users", right: operator.ReadUsers, do: usersList},
	{pattern: "GET /t/{tenant}/new-user", right: operator.ChangeUsers, do: userNew},
	{pattern: "POST /t/{tenant}/new-user", right: operator.ChangeUsers, do: userCreate},
	{pattern: "GET /t/{tenant}/users/{username}", right: operator.ReadUsers, do: userShow},
	{pattern: "POST /t/{tenant}/users/{username}/edit", right: operator.ChangeUsers, do: userSave},
	{pattern: "POST /t/{tenant}/users/{username}/password", right: operator.ChangeUsers, do: userPassword},
	{pattern: "POST /t/{tenant}/users/{username}/totp", right: operator.ChangeUsers, do: userTOTP},
	{pattern: "POST /t/{tenant}/users/{username}/disable", right: operator.ChangeUsers, do: userDisable},
	{pattern: "POST /t/{tenant}/users/{username}/enable", right: operator.ChangeUsers, do: userEnable},
	{pattern: "POST /t/{tenant}/users/{username}/end-tokens", right: operator.RevokeTokens, do: userEndTokens},
	{pattern: "POST /t/{tenant}/users/{username}/delete", right: operator.DeleteUsers, do: userDelete},
}
